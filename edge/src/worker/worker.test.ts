// The Worker as it ships, in a real workerd: every route, every bad input.
import { routeClaims } from "@mio/proving/kit/claims/route-claims.ts";
import { worker } from "@mio/proving/kit/edge/worker.ts";

routeClaims(worker);
