// Connections and bodies as no client library would send them.
import { socketClaims } from "../testing/hostile/socket-claims.ts";
import { worker } from "../testing/worker.ts";

socketClaims(worker, "cloudflare");
