import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "unusable-ids-accepted",
  guarantee: "G11",
  description: "accepts messages whose ids core cannot keep",
  file: "shared/src/bus/wire/inbound-event.ts",
  find: "    if (sourceMessageIdFault(message.sourceMessageId) !== undefined) return undefined;\n",
  replace: "",
  tests: [{ file: "proving/fuzz/fuzz.test.ts", name: /G11: corpus unusable-ids/ }],
};
