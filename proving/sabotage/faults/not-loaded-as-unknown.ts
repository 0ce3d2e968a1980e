import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "not-loaded-as-unknown",
  guarantee: "G11",
  description: "takes a route that is missing from a directory which is not whole for an unknown one",
  file: "edge/src/directory/directory.ts",
  find: 'return { kind: whole ? "unknown" : "not_loaded" };',
  replace: 'return { kind: "unknown" };',
  tests: [{ file: "edge/src/directory/directory.test.ts", name: /G11: tells not loaded from unknown/ }],
};
