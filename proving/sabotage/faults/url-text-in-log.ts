import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "url-text-in-log",
  guarantee: "G11",
  description: "tells in its log whatever stands in a URL where an account's id should",
  file: "edge/src/webhook/webhook.ts",
  find: 'isUuid(accountId ?? "") ? (accountId ?? "") : ""',
  replace: 'accountId ?? ""',
  tests: [{ file: "proving/fuzz/fuzz.test.ts", name: /G11: corpus told-in-the-log/ }],
};
