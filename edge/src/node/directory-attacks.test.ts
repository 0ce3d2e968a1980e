// A directory that others than core write to.
import { directoryClaims } from "@mio/proving/kit/claims/directory-claims.ts";
import { nodeHost } from "@mio/proving/kit/edge/node-host.ts";

directoryClaims(nodeHost);
