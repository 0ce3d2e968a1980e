import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "late-acknowledgement-ignored",
  guarantee: "G2",
  description: "drops an acknowledgement that comes after the wait for it, so that a slow bus never drains a spool",
  file: "edge/src/uplink/flight.ts",
  find: /if \(published\.kind === "acknowledged"\) this\.#acknowledged = published;/,
  replace: 'if (published.kind === "acknowledged" && this.#hear) this.#acknowledged = published;',
  tests: [{ file: "edge/src/uplink/uplink.test.ts", name: /G2: counts an acknowledgement that comes late/ }],
};
