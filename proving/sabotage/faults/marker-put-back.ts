import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "marker-put-back",
  guarantee: "G11",
  description: "takes an emptied bucket for whole when somebody has put its genuine marker back",
  file: "edge/src/directory/directory-copy.ts",
  find: "this.#holds(opened.snapshot.entries)",
  replace: "true",
  tests: [{ file: "edge/src/directory/directory-copy.test.ts", name: /G11: is not whole with a marker that is forged/ }],
};
