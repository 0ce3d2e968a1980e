import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "workspace-not-compared",
  guarantee: "G11",
  description: "gives an account what another workspace of its app sent",
  file: "shared/src/channels/slack/normalise.ts",
  find: 'if (workspaces.length > 0 && !workspaces.includes(account.externalId)) return malformed("workspace_mismatch");',
  replace: "",
  tests: [{ file: "proving/fuzz/fuzz.test.ts", name: /G11: corpus forged/ }],
};
