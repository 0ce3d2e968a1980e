import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "replay-on-claim",
  guarantee: "G11",
  description: "replays a quarantined webhook for whoever has the workspace that it claims, whoever signed it",
  file: "core/src/admin/quarantine-owner.ts",
  find: 'if (entry.accountId === "" && !(await couldVerify(db, found.id, entry.verifiedBy)))',
  replace: 'if (entry.accountId === "" && !(await couldVerify(db, found.id, found.id)))',
  tests: [{ file: "proving/whole/quarantine.test.ts", name: /G11: never becomes another's message/ }],
};
