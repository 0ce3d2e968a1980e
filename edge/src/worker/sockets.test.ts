// Connections and bodies as no client library would send them.
import { socketClaims } from "@mio/proving/kit/claims/socket-claims.ts";
import { worker } from "@mio/proving/kit/edge/worker.ts";

socketClaims(worker, "cloudflare");
