import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "position-over-holes",
  guarantee: "G2",
  description: "moves a partition's position over records that are still in hand",
  file: "shared/src/bus/read/position.ts",
  find: "oldest === undefined ? covered : oldest - 1",
  replace: "covered",
  tests: [{ file: "shared/src/bus/read/position.test.ts", name: /G2: after any crash/ }],
};
