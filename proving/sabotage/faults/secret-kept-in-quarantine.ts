import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "secret-kept-in-quarantine",
  guarantee: "G11",
  description: "keeps a quarantined body with the secrets that the platform put into it",
  file: "edge/src/webhook/quarantine.ts",
  find: "body: redactBody(request.body, door.secretBodyFields ?? []),",
  replace: "body: redactBody(request.body, []),",
  tests: [{ file: "edge/src/webhook/quarantine.test.ts", name: /G11: holds no secret, no signature/ }],
};
