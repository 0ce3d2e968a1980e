import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "spool-without-bound",
  guarantee: "G1",
  description: "lets the spool grow beyond its limit of bytes",
  file: "edge/src/uplink/spool.ts",
  find: /bytes \+ message\.body\.length > limits\.spoolBytesMax/,
  replace: "bytes < 0",
  tests: [{ file: "edge/src/uplink/uplink.test.ts", name: /G1: says unavailable when the spool is full/ }],
};
