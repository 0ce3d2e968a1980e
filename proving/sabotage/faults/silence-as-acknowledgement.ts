import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "silence-as-acknowledgement",
  guarantee: "G1",
  description: "takes a publish that nobody answered in time for an acknowledged one",
  file: "edge/src/uplink/flight.ts",
  find: /\{ kind: "not_acknowledged", reason \}/,
  replace: '{ kind: "acknowledged", duplicate: reason === "" }',
  tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G1: tells nothing stored/ }],
};
