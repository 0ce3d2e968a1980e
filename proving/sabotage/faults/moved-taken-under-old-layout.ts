import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "moved-taken-under-old-layout",
  guarantee: "G4",
  description: "lets a caller with an old directory store behind the last word of a closed layout",
  file: "edge/src/uplink/closings.ts",
  find: "return generation < (this.#refusals.get(accountId) ?? 0);",
  replace: "return generation < 0;",
  tests: [
    { file: "edge/src/uplink/closings.test.ts", name: /G4: puts the last word behind/ },
    { file: "edge/src/uplink/moving-simulation.test.ts", name: /G2: publishes everything/ },
  ],
};
