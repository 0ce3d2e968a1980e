// What every link claims, over a real WebSocket.
import { webSocket } from "../testing/host.ts";
import { linkClaims } from "../testing/link-claims.ts";
import { webSocketLink } from "./nats-ws.ts";

linkClaims(webSocket, webSocketLink);
