// A directory that others than core write to.
import { directoryClaims } from "@mio/proving/kit/claims/directory-claims.ts";
import { worker } from "@mio/proving/kit/edge/worker.ts";

directoryClaims(worker);
