import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "replay-into-a-move",
  guarantee: "G2",
  description: "feeds a replay into an account's new place while edges still hold events for the old one",
  file: "core/src/admin/quarantine-replay.ts",
  find: "(await readMove(client, { id })).waits_for.length > 0",
  replace: "(await readMove(client, { id })).waits_for.length < 0",
  tests: [{ file: "proving/whole/quarantine.test.ts", name: /G2: waits for the end of a move/ }],
};
