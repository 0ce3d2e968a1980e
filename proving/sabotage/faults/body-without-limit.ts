import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "body-without-limit",
  guarantee: "G11",
  description: "reads bodies of any length",
  file: "edge/src/webhook/body.ts",
  find: "const bodyBytesMax = 1024 * 1024",
  replace: "const bodyBytesMax = 1024 * 1024 * 1024",
  tests: [{ file: "proving/fuzz/fuzz.test.ts", name: /G11: corpus sizes/ }],
};
