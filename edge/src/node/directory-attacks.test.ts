// A directory that others than core write to.
import { directoryClaims } from "../testing/hostile/directory-claims.ts";
import { nodeHost } from "../testing/node-host.ts";

directoryClaims(nodeHost);
