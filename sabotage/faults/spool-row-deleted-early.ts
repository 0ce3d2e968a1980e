import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "spool-row-deleted-early",
  guarantee: "G2",
  description: "deletes a row of the spool before the stream has acknowledged it",
  file: "edge/src/uplink/drain.ts",
  find: /( +)(const published = await this\.#flight\.publish\(row, .*\n)([\s\S]*?) +spool\.remove\(row\);\n/,
  replace: "$1spool.remove(row);\n$1$2$3",
  tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G2: brings everything/ }],
};
