import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "origin-without-generation",
  guarantee: "G2",
  description: "dedup's origins do not say which ingress stream counted them, so a new one's messages look published",
  file: "core/src/dedup/plan.ts",
  find: "const origin = { generation, sequence, index };",
  replace: "const origin = { generation: 1, sequence, index };",
  tests: [{ file: "core/src/dedup/service.test.ts", name: /G2, G3, G4: while it runs, conversations go on/ }],
};
