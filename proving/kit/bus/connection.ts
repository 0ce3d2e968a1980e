// Every connection of a test to a real bus is opened here. It comes back by itself over a killed server, as those of production do.
import { type ConnectionOptions, connect, type NatsConnection } from "./client.ts";

export function connectTo(url: string | string[], options: ConnectionOptions = {}): Promise<NatsConnection> {
  return connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100, noAsyncTraces: true, ...options });
}
