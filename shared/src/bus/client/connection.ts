// The part of a NATS client that we stand on, as a structural port: `nats` (TCP) and `nats.ws` (WebSocket) both satisfy it without a
// cast, so reading in order and writing once are written once for core, edge and SDK, and only two files import a client.
import type { Clock } from "../../clock.ts";
import type { Random } from "../../random.ts";

export interface BusHeaders {
  /** Status code of a message that the server itself made (100 heartbeat or flow control, 404, 408, 503); 0 otherwise. */
  readonly code: number;
  readonly description: string;
  /** Empty when absent. */
  get(name: string): string;
  set(name: string, value: string): void;
  has(name: string): boolean;
}

export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply?: string;
  readonly headers?: BusHeaders;
}

export interface BusSubscription {
  unsubscribe(): void;
}

export interface BusConnection {
  /** Rejects after `timeout` ms, and at once when nobody listens. A rejection says nothing about whether it was stored. */
  request(
    subject: string,
    payload?: Uint8Array | string,
    options?: { timeout: number; headers?: BusHeaders },
  ): Promise<BusMessage>;
  publish(subject: string, payload?: Uint8Array | string, options?: { reply?: string; headers?: BusHeaders }): void;
  /** Of all who name the same queue, one hears each message. */
  subscribe(
    subject: string,
    options?: { queue?: string; callback?: (error: Error | null, message: BusMessage) => void },
  ): BusSubscription;
  isClosed(): boolean;
}

/** A connection in the hands of who made it. */
export interface OwnConnection extends BusConnection {
  /** The present server's own description of itself. */
  readonly info?: { version: string; jetstream?: boolean };
  getServer(): string;
  /** What becomes of it; does not end when the connection does. */
  status(): AsyncIterable<{ type: string; data: unknown; permissionContext?: object }>;
  /** Resolves when it is closed for good. */
  closed(): Promise<unknown>;
  /** Resolves when the server has answered all that was sent before. */
  flush(): Promise<void>;
  /** Sends what waits, hears what has come, and closes. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** A connection with what the client library keeps elsewhere, and the time and chance that shared may not take by itself. */
export interface Bus {
  connection: BusConnection;
  /** The client's own factory of headers. */
  headers: () => BusHeaders;
  /** The only subjects that this user may subscribe: `<inboxPrefix>.>`. */
  inboxPrefix: string;
  clock: Clock;
  random: Random;
}

/** A subject under the own inbox prefix that nobody else uses. */
export function inboxOf(bus: Bus): string {
  return `${bus.inboxPrefix}.${nameOf(bus)}`;
}

/** 16 letters and digits by chance: the name of a consumer or an inbox. */
export function nameOf(bus: Bus): string {
  return Array.from(bus.random.bytes(16), (byte) => (byte % 36).toString(36)).join("");
}
