// The way back from a consent page, at the Node host.
import { nodeHost } from "../testing/node-host.ts";
import { oauthClaims } from "../testing/oauth-claims.ts";

oauthClaims(nodeHost);
