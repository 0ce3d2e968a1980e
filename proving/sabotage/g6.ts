// G6. Nothing appears twice when an agent handles a message again, and no ambiguous send is tried again: faults that make a second one.
import type { Fault } from "./fault.ts";

export const g6: readonly Fault[] = [
  {
    name: "random-command-ids",
    description: "makes command ids by chance instead of computing them from the message that is answered",
    file: "shared/src/ids.ts",
    find: /const hash = sha256\(.*`\$\{group\}.*\)\.slice\(0, 10\);/,
    replace: "const hash = crypto.getRandomValues(new Uint8Array(10));",
    tests: [
      { file: "sdk/typescript/src/command.test.ts", name: /G6: makes the same command ids/ },
      { file: "sdk/typescript/src/connect.test.ts", name: /G6: makes nothing twice when an agent died/ },
    ],
  },
  {
    name: "sending-written-after-call",
    description: "writes `sending` after the platform was called, so a crash in between looks as if nothing had been sent",
    file: "core/src/sender/delivery/deliver.ts",
    find: /( +)if \(!\(await (ports\.begin\(.*\))\)\) return undefined;\n(?: +await context\.checkpoint\("sender\.sending_written"\);\n)([\s\S]*?checkpoint\("sender\.answered"\);\n)/,
    replace: "$3$1if (!(await $2)) return undefined;\n",
    tests: [{ file: "core/src/sender/crash.test.ts", name: /killed at sender\.answered > G5, G6: ends every command once/ }],
  },
  {
    name: "interrupted-judged-without-its-account",
    description: "judges an interrupted call as one that nobody may repeat when its account's credential does not open",
    file: "core/src/sender/delivery/carry-out.ts",
    find: 'if (account === undefined || account.kind === "held") {',
    replace: "if (account === undefined) {",
    tests: [{ file: "core/src/sender/held.test.ts", name: /G6: holds a call that an owner left behind/ }],
  },
];
