// The Node host as it ships under hostile requests, over real sockets.
import { hostileClaims } from "../testing/hostile/host-claims.ts";
import { nodeHost } from "../testing/node-host.ts";

hostileClaims(nodeHost);
