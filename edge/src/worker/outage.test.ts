// The Worker in a real workerd while something is away.
import { outageClaims } from "../testing/outage-claims.ts";
import { worker } from "../testing/worker.ts";

outageClaims(worker);
