import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "enriched-origin-without-generation",
  guarantee: "G2",
  description: "media-vault's origins do not say which inbound stream counted them",
  file: "core/src/media-vault/service.ts",
  find: "origin: { generation: record.generation,",
  replace: "origin: { generation: 0,",
  tests: [{ file: "core/src/media-vault/service.test.ts", name: /an inbound stream that is made anew/ }],
};
