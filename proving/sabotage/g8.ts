// G8. An account's limit is kept: faults that spend what there is not.
import type { Fault } from "./fault.ts";

export const g8: readonly Fault[] = [
  {
    name: "bucket-off",
    description: "lets every call through without taking a token of its account",
    file: "core/src/sender/schedule/budget.ts",
    find: "      bucket = after;\n",
    replace: "",
    tests: [
      { file: "core/src/sender/schedule/budget.test.ts", name: /G8: no window of ten seconds/ },
      { file: "core/src/sender/order.test.ts", name: /G8: keeps the rate at the platform's side/ },
    ],
  },
  {
    name: "wait-forgotten-while-held",
    description: "a new owner forgets what the platform told an account to wait when it cannot open its credential at first",
    file: "core/src/sender/accounts.ts",
    find: "pace(accountId, heldRate, blockedMs);",
    replace: "pace(accountId, heldRate);",
    tests: [{ file: "core/src/sender/accounts.test.ts", name: /G8: keeps what a platform told an account to wait/ }],
  },
];
