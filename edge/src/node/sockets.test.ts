// Connections and bodies as no client library would send them.
import { socketClaims } from "../testing/hostile/socket-claims.ts";
import { nodeHost } from "../testing/node-host.ts";

socketClaims(nodeHost, "we");
