import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "one-account-holds-all-calls",
  guarantee: "G7",
  description: "one account may have all calls that there are in its hands",
  file: "core/src/sender/schedule/schedule.ts",
  find: " || account.calls >= options.callsPerAccountMax",
  replace: "",
  tests: [{ file: "core/src/sender/schedule/schedule.test.ts", name: /G7: does not let one account hold all calls/ }],
};
