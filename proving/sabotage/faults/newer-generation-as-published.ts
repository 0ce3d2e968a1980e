import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "newer-generation-as-published",
  guarantee: "G2",
  description: "a writer that was paused while its source was made anew takes the new one's messages for its own",
  file: "shared/src/bus/write/fenced-publish.ts",
  find: "last.origin?.generation === origin.generation &&",
  replace: "last.origin !== undefined &&",
  tests: [
    { file: "shared/src/bus/write/fenced-publish.test.ts", name: /a paused owner of the older generation/ },
    { file: "core/src/dedup/service.test.ts", name: /while a replica is paused at dedup.keys_inserted/ },
  ],
};
