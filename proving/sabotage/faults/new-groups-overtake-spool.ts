import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "new-groups-overtake-spool",
  guarantee: "G4",
  description: "publishes a new group while older ones still lie in the spool",
  file: "edge/src/uplink/uplink.ts",
  find: "if (this.#ports.spool.state.rows === 0 && this.#busAnswers()) {",
  replace: "if (this.#ports.link.connected) {",
  tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G4: what was answered before/ }],
};
