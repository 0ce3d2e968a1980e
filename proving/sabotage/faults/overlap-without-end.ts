import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "overlap-without-end",
  guarantee: "G11",
  description: "goes on accepting an old secret after its overlap has ended",
  file: "edge/src/webhook/recipient.ts",
  find: " && !(notAfter && nowMs >= timestampMs(notAfter))",
  replace: "",
  tests: [{ file: "edge/src/webhook/webhook.test.ts", name: /G11: ends an overlap at its moment/ }],
};
