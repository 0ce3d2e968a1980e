import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "answer-after-first-shard",
  guarantee: "G1",
  description: "answers a webhook of two shards when the first of them has stored its part",
  file: "edge/src/webhook/store-all.ts",
  find: /const results = await Promise\.all\(\n( {4}Array\.from\(shards\.values\(\), .*\)),\n {2}\);/,
  replace: "const results = [await Promise.race(\n$1,\n  )];",
  tests: [
    { file: "edge/src/webhook/webhook.test.ts", name: /G1: answers only after every shard/ },
    { file: "edge/src/webhook/webhook.test.ts", name: /G1: answers 503 when one of two shards/ },
  ],
};
