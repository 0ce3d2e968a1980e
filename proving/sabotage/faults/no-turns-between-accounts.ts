import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "no-turns-between-accounts",
  guarantee: "G7",
  description: "whoever had a turn stays in front, so an account goes on until its queue is empty",
  file: "core/src/sender/schedule/schedule.ts",
  find: "      turns.push(account);\n      return step;",
  replace: "      turns.unshift(account);\n      return step;",
  tests: [
    { file: "core/src/sender/schedule/schedule.test.ts", name: /G7: gives each account its turn/ },
    { file: "core/src/sender/order.test.ts", name: /G7: two accounts without limits take turns/ },
  ],
};
