// What every link claims, over a real WebSocket.

import { linkClaims } from "@mio/proving/kit/claims/link-claims.ts";
import { webSocket } from "@mio/proving/kit/edge/host.ts";
import { webSocketLink } from "./nats-ws.ts";

linkClaims(webSocket, webSocketLink);
