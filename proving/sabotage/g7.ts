// G7. One account cannot delay another: faults in whose turn it is.
import type { Fault } from "./fault.ts";

export const g7: readonly Fault[] = [
  {
    name: "throttled-account-ends-the-round",
    description: "an account that has to wait makes those behind it wait too",
    file: "core/src/sender/schedule/schedule.ts",
    find: "      untilMs = Math.min(untilMs, step.untilMs);\n      continue;",
    replace: "      return step;",
    tests: [{ file: "core/src/sender/schedule/schedule.test.ts", name: /G7: passes over an account that has no budget/ }],
  },
  {
    name: "no-turns-between-accounts",
    description: "whoever had a turn stays in front, so an account goes on until its queue is empty",
    file: "core/src/sender/schedule/schedule.ts",
    find: "    state.turns.push(account);\n    return step;",
    replace: "    state.turns.unshift(account);\n    return step;",
    tests: [
      { file: "core/src/sender/schedule/schedule.test.ts", name: /G7: gives each account its turn/ },
      { file: "core/src/sender/order.test.ts", name: /G7: two accounts without limits take turns/ },
    ],
  },
  {
    name: "one-account-holds-all-calls",
    description: "one account may have all calls that there are in its hands",
    file: "core/src/sender/schedule/schedule.ts",
    find: " || account.calls >= options.callsPerAccountMax",
    replace: "",
    tests: [{ file: "core/src/sender/schedule/schedule.test.ts", name: /G7: does not let one account hold all calls/ }],
  },
];
