import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "final-receipt-only-when-sent",
  guarantee: "G5",
  description: "tells the end of a command only when it was sent",
  file: "core/src/sender/ledger/attempts.ts",
  find: "from changed where state <> 'queued'\n)",
  replace: "from changed where state = 'sent'\n)",
  tests: [{ file: "core/src/sender/outcomes.test.ts", name: /G5: ends in exactly one final receipt, whichever end it is/ }],
};
