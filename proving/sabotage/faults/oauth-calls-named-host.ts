import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "oauth-calls-named-host",
  guarantee: "G12",
  description: "sends our secret to whatever accounts server a redirect names",
  file: "shared/src/channels/zoho-cliq/oauth.ts",
  find: "return api === undefined ? undefined : { accounts, api };",
  replace: "return { accounts, api: api ?? accounts };",
  tests: [{ file: "shared/src/channels/zoho-cliq/oauth.test.ts", name: /G12: calls nobody/ }],
};
