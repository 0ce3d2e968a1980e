import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "batch-named-by-its-first-row",
  guarantee: "G2",
  description: "two batches of different rows have one id, so the broker takes the second for the first and its rows are lost",
  file: "edge/src/uplink/batch.ts",
  find: "taken.at(-1)?.messageId",
  replace: "first.messageId",
  tests: [{ file: "edge/src/uplink/batch.test.ts", name: /are another message with another row/ }],
};
