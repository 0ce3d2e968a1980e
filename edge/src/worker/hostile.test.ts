// The Worker as it ships under hostile requests, in a real workerd.
import { hostileClaims } from "@mio/proving/fuzz/host-claims.ts";
import { worker } from "@mio/proving/kit/edge/worker.ts";

hostileClaims(worker);
