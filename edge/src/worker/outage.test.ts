// The Worker in a real workerd while something is away.
import { outageClaims } from "@mio/proving/kit/claims/outage/outage.ts";
import { worker } from "@mio/proving/kit/edge/worker.ts";

outageClaims(worker);
