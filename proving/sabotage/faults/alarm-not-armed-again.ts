import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "alarm-not-armed-again",
  guarantee: "G2",
  description: "wakes by its alarm and does not set the next one",
  file: "edge/src/uplink/uplink.ts",
  find: /(async wake\(\): Promise<void> \{\n) +await this\.#arm\(\);\n([\s\S]*?)\n +await this\.#arm\(\);\n( +\})/,
  replace: "$1$2\n$3",
  tests: [{ file: "edge/src/uplink/uplink.test.ts", name: /G2: sets the next alarm before it drains/ }],
};
