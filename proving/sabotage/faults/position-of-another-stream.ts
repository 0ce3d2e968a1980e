import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "position-of-another-stream",
  guarantee: "G2",
  description: "goes on from a position that counts in a stream that is no more",
  file: "shared/src/bus/read/ownership.ts",
  find: "entry?.generation !== undefined && generation !== undefined && entry.generation !== generation",
  replace: "false",
  tests: [
    { file: "shared/src/bus/read/ownership.test.ts", name: /gives up the position that counts in the old one/ },
    { file: "core/src/dedup/service.test.ts", name: /between two runs, also when it has grown past the position/ },
  ],
};
