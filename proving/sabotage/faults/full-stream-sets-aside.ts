import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "full-stream-sets-aside",
  guarantee: "G2",
  description: "sets rows aside also when the stream refuses everything because it is full",
  file: "edge/src/uplink/drain.ts",
  find: /published\.kind === "refused" && published\.ofMessage && /,
  replace: 'published.kind === "refused" && ',
  tests: [{ file: "edge/src/uplink/uplink.test.ts", name: /G2: never sets a row aside because the stream is full/ }],
};
