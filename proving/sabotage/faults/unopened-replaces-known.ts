import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "unopened-replaces-known",
  guarantee: "G11",
  description: "lets a value that does not open replace the one that is known",
  file: "edge/src/directory/directory-copy.ts",
  find: 'if (known === undefined) entries.set(key, { key, rowVersion: -1, value, sealedWith: "" });',
  replace: 'entries.set(key, { key, rowVersion: -1, value, sealedWith: "" });',
  tests: [
    { file: "edge/src/directory/directory-copy.test.ts", name: /G11: a value that was moved, changed, or sealed by a stranger/ },
  ],
};
