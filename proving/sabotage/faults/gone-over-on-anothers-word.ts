import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "gone-over-on-anothers-word",
  guarantee: "G4",
  description: "lets an edge go over to a new layout when another edge has closed the old one",
  file: "edge/src/uplink/layout.ts",
  find: "!closedBy.includes(edge);",
  replace: "closedBy.length === 0;",
  tests: [{ file: "edge/src/uplink/moving-simulation.test.ts", name: /G2: publishes everything/ }],
};
