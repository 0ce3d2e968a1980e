import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "overlap-cut-short",
  guarantee: "G11",
  description: "ends the old secret with the rotation, and so refuses what the platform still signs with it",
  file: "core/src/admin/rotate-secret.ts",
  find: "set not_after = least(not_after, clock_timestamp() + $4 * interval '1 millisecond')",
  replace: "set not_after = clock_timestamp()",
  tests: [{ file: "core/src/admin/rotate-secret.test.ts", name: /G11: lets the old secret live for the overlap/ }],
};
