import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "older-generation-not-searched",
  guarantee: "G3",
  description: "media-vault takes whatever stands behind another stream's message for not published",
  file: "core/src/media-vault/service.ts",
  find: "        notBeforeMs: message.receivedAt ? timestampMs(message.receivedAt) : 0,\n",
  replace: "",
  tests: [{ file: "core/src/media-vault/service.test.ts", name: /an inbound stream that is made anew/ }],
};
