// G12. No credential goes elsewhere: faults in whom MIO calls. Fetching what a message links to is not built yet, so nothing there can be broken.
import type { Fault } from "./fault.ts";

export const g12: readonly Fault[] = [
  {
    name: "oauth-calls-named-host",
    description: "sends our secret to whatever accounts server a redirect names",
    file: "shared/src/channels/zoho-cliq/install.ts",
    find: "return api === undefined ? undefined : { accounts, api };",
    replace: "return { accounts, api: api ?? accounts };",
    tests: [{ file: "shared/src/channels/zoho-cliq/install.test.ts", name: /G12: calls nobody/ }],
  },
];
