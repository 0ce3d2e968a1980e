import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "bus-label-of-an-edges-choice",
  guarantee: "G11",
  description: "makes a metric's label of whatever an edge says about its bus",
  file: "core/src/telemetry/live-shards.ts",
  find: /bus: busLabel\(uplink\.bus\)/,
  replace: "bus: uplink.bus",
  tests: [{ file: "core/src/telemetry/service.test.ts", name: /shows how a shard stands/ }],
};
