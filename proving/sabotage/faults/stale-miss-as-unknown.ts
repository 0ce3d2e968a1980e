import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "stale-miss-as-unknown",
  guarantee: "G11",
  description: "calls a route unknown because it once was, though nobody can be asked now",
  file: "edge/src/directory/directory.ts",
  find: '{ kind: this.#fresh(route) ? "unknown" : "not_loaded" }',
  replace: '{ kind: this.#misses.has(route) ? "unknown" : "not_loaded" }',
  tests: [{ file: "edge/src/directory/directory.test.ts", name: /G11: does not call a route unknown because it once was/ }],
};
