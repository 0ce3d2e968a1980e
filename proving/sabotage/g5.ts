// G5. Every command ends in exactly one final receipt: faults that leave one without its end.
import type { Fault } from "./fault.ts";

export const g5: readonly Fault[] = [
  {
    name: "acknowledged-before-ledger",
    description: "acknowledges a command to the bus as soon as it is read, before it stands in the ledger",
    file: "core/src/sender/intake/read-outbound.ts",
    find: "      reading.highest = pulled.sequence;\n",
    replace: "      reading.highest = pulled.sequence;\n      pulled.acknowledge();\n",
    tests: [{ file: "core/src/sender/crash.test.ts", name: /G5: killed with commands in its hands/ }],
  },
  {
    name: "acknowledged-while-in-hand",
    description: "acknowledges a command that is delivered again while its first delivery still waits for the ledger",
    file: "core/src/sender/intake/read-outbound.ts",
    find: '    case "in_hand":\n      return;\n',
    replace: '    case "in_hand":\n      pulled.acknowledge();\n      return;\n',
    tests: [{ file: "core/src/sender/intake/read-outbound.test.ts", name: /G5: acknowledges what comes again/ }],
  },
  {
    name: "final-receipt-only-when-sent",
    description: "tells the end of a command only when it was sent",
    file: "core/src/sender/ledger/attempts.ts",
    find: "from changed where state <> 'queued'\n)",
    replace: "from changed where state = 'sent'\n)",
    tests: [{ file: "core/src/sender/outcomes.test.ts", name: /G5: ends in exactly one final receipt, whichever end it is/ }],
  },
  {
    name: "account-forgotten-in-use",
    description: "forgets an account that a command asked for while others were read, so that the command fails as unknown",
    file: "core/src/sender/accounts.ts",
    find: "new Set([...wanted(), ...askedFor])",
    replace: "new Set(wanted())",
    tests: [{ file: "core/src/sender/accounts.test.ts", name: /G5: does not forget an account/ }],
  },
  {
    name: "full-lane-forgotten",
    description: "forgets that the ledger has more of a lane than memory, so that what waits there never gets its turn",
    file: "core/src/sender/delivery/window.ts",
    find: "      lane.more = true;\n",
    replace: "",
    tests: [{ file: "core/src/sender/delivery/window.test.ts", name: /G5: gives every command of a lane its turn/ }],
  },
];
