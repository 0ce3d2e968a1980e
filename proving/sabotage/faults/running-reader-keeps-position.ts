import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "running-reader-keeps-position",
  guarantee: "G2",
  description: "a running reader goes on at its sequence when another stream stands under the name",
  file: "shared/src/bus/read/log-source.ts",
  find: "if (state.generation === generation) return state;",
  replace: "if (state.lastSequence >= 0) return state;",
  tests: [
    { file: "shared/src/bus/read/log-source.test.ts", name: /gives out nothing of a stream that was made anew/ },
    { file: "core/src/dedup/service.test.ts", name: /while it runs, conversations go on/ },
  ],
};
