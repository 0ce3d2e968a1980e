import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "signature-always-true",
  guarantee: "G11",
  description: "goes on with a webhook whatever its channel says of the signature",
  file: "edge/src/webhook/webhook.ts",
  find: "const verified = await verify(hook, recipient);",
  replace: 'await verify(hook, recipient);\n  const verified: Verified = { kind: "verified" };',
  tests: [{ file: "edge/src/worker/worker.test.ts", name: /G11: refuses what is not verified with 401/ }],
};
