import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "acknowledged-before-ledger",
  guarantee: "G5",
  description: "acknowledges a command to the bus as soon as it is read, before it stands in the ledger",
  file: "core/src/sender/intake/intake.ts",
  find: "    highest = streamSequence;\n",
  replace: "    highest = streamSequence;\n    message.ack();\n",
  tests: [{ file: "core/src/sender/crash.test.ts", name: /G5: killed with commands in its hands/ }],
};
