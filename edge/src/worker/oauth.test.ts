// The way back from a consent page, at the Worker in a real workerd.
import { oauthClaims } from "../testing/oauth-claims.ts";
import { worker } from "../testing/worker.ts";

oauthClaims(worker);
