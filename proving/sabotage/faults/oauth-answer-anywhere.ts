import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "oauth-answer-anywhere",
  guarantee: "G11",
  description: "publishes an OAuth answer wherever the asker wants it, a stream of messages included",
  file: "core/src/admin/oauth-service.ts",
  find: 'if (!message.reply?.startsWith("_INBOX")) return;',
  replace: "if (!message.reply) return;",
  tests: [{ file: "core/src/admin/oauth-service.test.ts", name: /G11: answers to an inbox and nowhere else/ }],
};
