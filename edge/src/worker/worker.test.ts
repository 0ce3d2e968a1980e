// The Worker as it ships, in a real workerd: every route, every bad input.
import { routeClaims } from "../testing/route-claims.ts";
import { worker } from "../testing/worker.ts";

routeClaims(worker);
