import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "signature-compared-in-part",
  guarantee: "G11",
  description: "compares a signature's bytes but for the last, and not its length",
  file: "shared/src/hmac.ts",
  find: "let difference = expected.length ^ given.length;\n  for (let index = 0; index < expected.length; index++)",
  replace: "let difference = 0;\n  for (let index = 0; index < expected.length - 1; index++)",
  tests: [{ file: "shared/src/hmac.test.ts", name: /G11: accepts what OpenSSL signed/ }],
};
