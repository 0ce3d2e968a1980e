// The Node host as it ships under hostile requests, over real sockets.
import { hostileClaims } from "@mio/proving/fuzz/host-claims.ts";
import { nodeHost } from "@mio/proving/kit/edge/node-host.ts";

hostileClaims(nodeHost);
