import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "normalise-before-verify",
  guarantee: "G11",
  description: "takes every signature for a good one before it reads the body",
  file: "edge/src/webhook/webhook.ts",
  find: 'if (verified.kind === "refused") return',
  replace: 'if (verified.kind === "refused" && verified.reason === "no_secret") return',
  tests: [{ file: "proving/fuzz/fuzz.test.ts", name: /G11: corpus forged/ }],
};
