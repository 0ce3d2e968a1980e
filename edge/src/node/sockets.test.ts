// Connections and bodies as no client library would send them.
import { socketClaims } from "@mio/proving/kit/claims/socket-claims.ts";
import { nodeHost } from "@mio/proving/kit/edge/node-host.ts";

socketClaims(nodeHost, "we");
