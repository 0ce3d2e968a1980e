import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "last-word-noted-early",
  guarantee: "G4",
  description: "lets an edge go over before core has published what stands in front of its uplinks' last words",
  file: "core/src/dedup/batch.ts",
  find: "  const { first, repeats } = byKey(items);\n",
  replace:
    '  await noteClosings(tools.db, items.filter((item) => item.kind === "closing"));\n  const { first, repeats } = byKey(items);\n',
  tests: [{ file: "core/src/dedup/closings.test.ts", name: /G4: is noted only when everything before it/ }],
};
