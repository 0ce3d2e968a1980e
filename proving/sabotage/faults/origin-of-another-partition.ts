import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "origin-of-another-partition",
  guarantee: "G2",
  description: "a later message out of a conversation's new partition makes what is still in the old one look published",
  file: "shared/src/bus/write/fenced-publish.ts",
  find: "&& last.partition === partition;",
  replace: "&& partition === partition;",
  tests: [{ file: "core/src/dedup/closings.test.ts", name: /what another edge still brings/ }],
};
