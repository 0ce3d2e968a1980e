// A directory that others than core write to.
import { directoryClaims } from "../testing/hostile/directory-claims.ts";
import { worker } from "../testing/worker.ts";

directoryClaims(worker);
