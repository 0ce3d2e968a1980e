import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "strangers-label",
  guarantee: "G11",
  description: "makes a metric's label of any channel that an edge names",
  file: "core/src/telemetry/edge-metrics.ts",
  find: /channelTypes\.includes\(channelType\) \|\| channelType === unknownChannel/,
  replace: "channelTypes.length > 0 || channelType === unknownChannel",
  tests: [{ file: "core/src/telemetry/service.test.ts", name: /G11: makes no label/ }],
};
