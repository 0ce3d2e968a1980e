import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "sending-written-after-call",
  guarantee: "G6",
  description: "writes `sending` after the platform was called, so a crash in between looks as if nothing had been sent",
  file: "core/src/sender/delivery/deliver.ts",
  find: /( +)if \(!\(await (ports\.begin\(.*\))\)\) return undefined;\n(?: +await context\.checkpoint\("sender\.sending_written"\);\n)([\s\S]*?checkpoint\("sender\.answered"\);\n)/,
  replace: "$3$1if (!(await $2)) return undefined;\n",
  tests: [{ file: "core/src/sender/crash.test.ts", name: /killed at sender\.answered > G5, G6: ends every command once/ }],
};
