import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "signature-always-true-slack",
  guarantee: "G11",
  description: "takes any signature of the right form for the right one",
  file: "shared/src/channels/slack/signature.ts",
  find: "let fits = false;",
  replace: "let fits = true;",
  tests: [{ file: "shared/src/channels/slack/inbound.test.ts", name: /G11: signature vector slack-/ }],
};
