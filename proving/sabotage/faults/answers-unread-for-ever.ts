import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "answers-unread-for-ever",
  guarantee: "G2",
  description: "keeps a connection whose client never reads its answer",
  file: "edge/src/node/http/http.ts",
  find: "  server.timeout = bounds.unreadWithinMs;\n",
  replace: "",
  tests: [{ file: "edge/src/node/http/http.test.ts", name: /never reads its answer/ }],
};
