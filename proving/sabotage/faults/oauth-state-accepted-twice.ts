import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "oauth-state-accepted-twice",
  guarantee: "G11",
  description: "lets another code use an install's link that was used before",
  file: "core/src/admin/installs.ts",
  find: "where state_hash = $1 and channel_type = $2 and used_at is null and expires_at > now()`,\n    values,",
  replace: "where state_hash = $1 and channel_type = $2 and expires_at > now()`,\n    values,",
  tests: [{ file: "core/src/admin/oauth-callback.test.ts", name: /G11: uses a link up once/ }],
};
