import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "throttled-account-ends-the-round",
  guarantee: "G7",
  description: "an account that has to wait makes those behind it wait too",
  file: "core/src/sender/schedule/schedule.ts",
  find: "        untilMs = Math.min(untilMs, step.untilMs);\n        continue;",
  replace: "        return step;",
  tests: [{ file: "core/src/sender/schedule/schedule.test.ts", name: /G7: passes over an account that has no budget/ }],
};
