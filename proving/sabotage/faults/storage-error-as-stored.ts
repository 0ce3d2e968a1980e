import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "storage-error-as-stored",
  guarantee: "G1",
  description: "answers 2xx although the spool's storage has failed",
  file: "edge/src/uplink/spool.ts",
  find: 'return { kind: "refused", reason: "storage_failed" };',
  replace: 'return { kind: "committed" };',
  tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G1: tells nothing stored/ }],
};
