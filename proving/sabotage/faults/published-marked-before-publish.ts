import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "published-marked-before-publish",
  guarantee: "G2",
  description: "marks events as published before they are: claim is not commit",
  file: "core/src/dedup/batch.ts",
  find: "  const { published, failures } = await publishLanes(open, tools, task);\n",
  replace: `  await markPublished(tools.db, open.map(({ event }) => ({ ...event.key, inboundSequence: undefined })));
  await tools.checkpoint("dedup.published");
  const { published, failures } = await publishLanes(open, tools, task);
`,
  tests: [{ file: "core/src/dedup/service.test.ts", name: /G2, G3, G4: killed at dedup\.published/ }],
};
