// The way back from a consent page, at the Node host.

import { oauthClaims } from "@mio/proving/kit/claims/oauth-claims.ts";
import { nodeHost } from "@mio/proving/kit/edge/node-host.ts";

oauthClaims(nodeHost);
