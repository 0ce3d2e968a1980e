import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "secrets-of-all-accounts",
  guarantee: "G11",
  description: "verifies an account's webhook with secrets that belong to others",
  file: "edge/src/webhook/recipient.ts",
  find: '.filter(({ owner }) => owner === "" || owner === account.accountId)',
  replace: "",
  tests: [{ file: "edge/src/webhook/recipient.test.ts", name: /G11: never verifies with a secret of another account/ }],
};
