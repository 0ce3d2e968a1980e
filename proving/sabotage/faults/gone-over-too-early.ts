import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "gone-over-too-early",
  guarantee: "G4",
  description: "lets an edge go over when one of its uplinks has closed the older layout",
  file: "core/src/admin/moves.ts",
  find: "[...edges].filter((edge) => open(previous, closings, edge).length === 0).sort()",
  replace: "[...edges].sort()",
  tests: [{ file: "core/src/admin/moves.test.ts", name: /G4: lets an edge go over when all shards/ }],
};
