// The Worker as it ships under hostile requests, in a real workerd.
import { hostileClaims } from "../testing/hostile/host-claims.ts";
import { worker } from "../testing/worker.ts";

hostileClaims(worker);
