import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "batch-out-of-order",
  guarantee: "G4",
  description: "puts the events of later rows before those of earlier ones when rows leave the spool together",
  file: "edge/src/uplink/batch.ts",
  find: /events\.push\(\.\.\.next\.group\.events\)/,
  replace: "events.unshift(...next.group.events)",
  tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G4: what was answered before/ }],
};
