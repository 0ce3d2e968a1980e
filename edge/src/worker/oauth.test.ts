// The way back from a consent page, at the Worker in a real workerd.
import { oauthClaims } from "@mio/proving/kit/claims/oauth-claims.ts";
import { worker } from "@mio/proving/kit/edge/worker.ts";

oauthClaims(worker);
