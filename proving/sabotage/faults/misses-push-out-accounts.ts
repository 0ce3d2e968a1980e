import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "misses-push-out-accounts",
  guarantee: "G11",
  description: "forgets accounts that there are over workspaces that somebody invents",
  file: "edge/src/directory/directory.ts",
  find: '    if (found.kind === "unknown") {\n',
  replace: '    if (found.kind === "unknown") {\n      forgetOldest(this.#cache, this.#misses.size);\n',
  tests: [{ file: "edge/src/directory/directory.test.ts", name: /does not forget who there is over any number/ }],
};
