import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "last-word-overtakes-predecessor",
  guarantee: "G4",
  description: "says an object's last word while the one that it replaced may still publish",
  file: "edge/src/uplink/closings.ts",
  find: "if (waitMs > 0) await",
  replace: "if (waitMs > 86_400_000) await",
  tests: [{ file: "edge/src/uplink/closings.test.ts", name: /G4: a new object refuses at once/ }],
};
