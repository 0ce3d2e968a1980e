// G4. What was acknowledged before the next request came is seen before it: faults that let events overtake each other, also while an
// account moves.
import type { Fault } from "./fault.ts";

export const g4: readonly Fault[] = [
  {
    name: "gone-over-on-anothers-word",
    description: "lets an edge go over to a new layout when another edge has closed the old one",
    file: "edge/src/uplink/layout.ts",
    find: "!closedBy.includes(edge);",
    replace: "closedBy.length === 0;",
    tests: [{ file: "edge/src/uplink/moving-simulation.test.ts", name: /G4: what was answered before/ }],
  },
  {
    name: "new-groups-overtake-spool",
    description: "publishes a new group while older ones still lie in the spool",
    file: "edge/src/uplink/uplink.ts",
    find: "if (this.#ports.spool.state.rows === 0 && this.#busAnswers()) {",
    replace: "if (this.#ports.link.connected) {",
    tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G4: what was answered before/ }],
  },
  {
    name: "moved-taken-under-old-layout",
    description: "lets a caller with an old directory store behind the closing marker of a closed layout",
    file: "edge/src/uplink/closings/closings.ts",
    find: "return layoutVersion < (this.#refusals.get(accountId) ?? 0);",
    replace: "return layoutVersion < 0;",
    tests: [
      { file: "edge/src/uplink/closings/closings.test.ts", name: /G4: puts the closing marker behind/ },
      { file: "edge/src/uplink/moving-simulation.test.ts", name: /G4: what was answered before/ },
    ],
  },
  {
    name: "closing-not-on-disk",
    description: "publishes an uplink's closing marker without writing down that it takes nothing more",
    file: "edge/src/uplink/closings/closings.ts",
    find: "    await this.#store.write(accountId, layoutVersion);\n",
    replace: "",
    tests: [{ file: "edge/src/uplink/closings/closings.test.ts", name: /G4: refuses also after a restart/ }],
  },
  {
    name: "closing-marker-overtakes-predecessor",
    description: "publishes an object's closing marker while the one that it replaced may still publish",
    file: "edge/src/uplink/closings/closings.ts",
    find: "if (waitMs > 0) await",
    replace: "if (waitMs > 86_400_000) await",
    tests: [{ file: "edge/src/uplink/closings/closings.test.ts", name: /G4: a new object refuses at once/ }],
  },
  {
    name: "drain-group-out-of-order",
    description: "puts the events of later rows before those of earlier ones when rows leave the spool together",
    file: "edge/src/uplink/drain-group.ts",
    find: /events\.push\(\.\.\.next\.group\.events\)/,
    replace: "events.unshift(...next.group.events)",
    tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G4: what was answered before/ }],
  },
  {
    name: "lanes-off",
    description: "gives every record a lane of its own, so messages of one conversation are handled side by side",
    file: "shared/src/bus/read/lanes.ts",
    find: "const key = laneOf(record);",
    replace: "const key = String(record.sequence);",
    tests: [
      { file: "shared/src/bus/read/lanes.test.ts", name: /G4: handle a conversation.s records one after another/ },
      { file: "sdk/typescript/src/connect.test.ts", name: /G4: hands over each conversation in order/ },
    ],
  },
  {
    name: "closing-marker-noted-early",
    description: "lets an edge go over before core has published what stands in front of its uplinks' closing markers",
    file: "core/src/dedup/batch.ts",
    find: "  const { first, repeats } = byKey(items);\n",
    replace:
      '  await noteClosings(tools.db, items.filter((item) => item.kind === "closing"));\n  const { first, repeats } = byKey(items);\n',
    tests: [{ file: "core/src/dedup/closings.test.ts", name: /G4: is noted only when everything before it/ }],
  },
  {
    name: "gone-over-too-early",
    description: "lets an edge go over when one of its uplinks has closed the older layout",
    file: "core/src/accounts/layouts.ts",
    find: "[...edges].filter((edge) => openShards(previous, closings, edge).length === 0).sort()",
    replace: "[...edges].sort()",
    tests: [{ file: "core/src/control/accounts/move.test.ts", name: /G4: lets an edge go over when all shards/ }],
  },
];
