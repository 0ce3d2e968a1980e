// The link to the bus over TCP. One connection carries all shards of the process and the directory: each shard has one group in flight, so
// sharing takes nothing from their order, and a silent or lost connection concerns them all alike.
import { tcpClient } from "@mio/shared/bus/client/tcp.ts";
import { NatsLink, type NatsOptions } from "../uplink/nats-link.ts";

/** Starts to connect at once, to `nats://` or `tls://` addresses. */
export function tcpLink(options: NatsOptions): NatsLink {
  return new NatsLink(tcpClient, options);
}
