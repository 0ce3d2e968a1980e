// The Node host as a process of its own: the claims of every host, and what only a process can do wrong.
import { nodeHost } from "../testing/node-host.ts";
import { outageClaims } from "../testing/outage-claims.ts";
import { routeClaims } from "../testing/route-claims.ts";

routeClaims(nodeHost);
outageClaims(nodeHost);
