import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "closing-not-on-disk",
  guarantee: "G4",
  description: "says an uplink's last word without writing down that it takes nothing more",
  file: "edge/src/uplink/closings.ts",
  find: "    await this.#store.write(accountId, generation);\n",
  replace: "",
  tests: [{ file: "edge/src/uplink/closings.test.ts", name: /G4: refuses also after a restart/ }],
};
