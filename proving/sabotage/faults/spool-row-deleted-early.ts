import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "spool-row-deleted-early",
  guarantee: "G2",
  description: "deletes a row of the spool before the stream has acknowledged it",
  file: "edge/src/uplink/drain.ts",
  find: /( +)(const published = await this\.#flight\.publish\(batch\.message, .*\n)([\s\S]*?) +spool\.remove\(batch\.rows\);\n/,
  replace: "$1spool.remove(batch.rows);\n$1$2$3",
  tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G2: brings everything/ }],
};
