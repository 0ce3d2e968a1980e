import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "signature-always-true-telegram",
  guarantee: "G11",
  description: "takes any secret token for the right one",
  file: "shared/src/channels/telegram/signature.ts",
  find: "  let equal = false;",
  replace: "  let equal = true;",
  tests: [{ file: "shared/src/channels/telegram/signature.test.ts", name: /./ }],
};
