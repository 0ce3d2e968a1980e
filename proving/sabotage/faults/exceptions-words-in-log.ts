import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "exceptions-words-in-log",
  guarantee: "G11",
  description: "logs the message of an exception, which may repeat what a caller sent",
  file: "edge/src/webhook/log-line.ts",
  find: "error: kindOf(error), at:",
  replace: "error: kindOf(error) && error.message, at:",
  tests: [{ file: "edge/src/webhook/log-line.test.ts", name: /G11: holds no text of the caller when a door/ }],
};
