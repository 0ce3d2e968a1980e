// The link to the bus over a WebSocket, for hosts that have no TCP. It lives inside one Durable Object, because a Worker may not reuse a
// socket across requests.
import { webSocketClient } from "@mio/shared/bus/client/ws.ts";
import { NatsLink, type NatsOptions } from "../uplink/nats-link.ts";

/** Starts to connect at once, to `ws://` or `wss://` addresses. */
export function webSocketLink(options: NatsOptions): NatsLink {
  return new NatsLink(webSocketClient, options);
}
