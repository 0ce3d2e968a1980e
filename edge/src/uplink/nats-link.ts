// The link to the bus, the same over TCP and over a WebSocket: the client library is a parameter. A publish never outlives its
// connection: when that is lost, whatever is in flight fails at once.
import type { Bus, BusConnection, BusHeaders, BusMessage as Received } from "@mio/shared/bus/connection.ts";
import { messageIdHeader } from "@mio/shared/bus/headers.ts";
import { inboxPrefixOf } from "@mio/shared/bus/users.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { Random } from "@mio/shared/random.ts";
import * as v from "valibot";
import type { BusLink, BusMessage, Published } from "./ports.ts";
import type { TelemetryLink, Told } from "./telemetry.ts";

/** What the link needs of `nats` or `nats.ws`; both satisfy it. */
export interface NatsClient {
  connect(options: NatsConnectOptions): Promise<NatsConnection>;
  headers(): BusHeaders;
}

interface NatsConnection extends BusConnection {
  /** Ends when the connection is closed for good. */
  status(): AsyncIterable<{ type: string }>;
  /** Resolves when the server has taken all that was published before. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

type NatsConnectOptions = ReturnType<typeof connectOptions>;

export interface NatsOptions {
  /** One of these at a time; another is tried when it goes away. */
  servers: string[];
  user: string;
  password: string;
  /** The client's name in the server's lists. */
  name: string;
  clock: Clock;
  random: Random;
}

const dialTimeoutMs = 2_000;
const reconnectMinMs = 200;
const reconnectJitterMs = 400;
/** A silent connection is given up after two of these; until then the uplink's own deadline holds. */
const pingIntervalMs = 5_000;

/** The client's own words for what happens to a connection. */
const status = { reconnected: "reconnect", lost: new Set(["disconnect", "staleConnection"]) } as const;

const pubAck = v.union([
  v.object({ error: v.object({ err_code: v.optional(v.number(), 0) }) }),
  v.object({ seq: v.number(), duplicate: v.optional(v.boolean(), false) }),
]);

export class NatsLink implements BusLink, TelemetryLink {
  readonly #client: NatsClient;
  readonly #options: NatsOptions;
  readonly #listeners: (() => void)[] = [];
  readonly #inFlight = new Map<string, (published: Published) => void>();
  readonly #telling = new Map<string, (told: Told) => void>();
  readonly #inboxPrefix: string;
  readonly #inbox: string;
  /** Resolves after the first try to connect, whatever came of it. */
  readonly tried: Promise<void>;
  #connection: NatsConnection | undefined;
  #connected = false;
  #closed = false;
  #calls = 0;

  constructor(client: NatsClient, options: NatsOptions) {
    this.#client = client;
    this.#options = options;
    this.#inboxPrefix = inboxPrefixOf(options.user);
    this.#inbox = `${this.#inboxPrefix}.${token(options.random)}`;
    this.tried = new Promise((resolve) => {
      void this.#keepConnecting(resolve);
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** The connection as shared's mechanisms want it; undefined while it is away. */
  get bus(): Bus | undefined {
    if (!this.#connected || !this.#connection) return undefined;
    const { clock, random } = this.#options;
    const { headers } = this.#client;
    return { connection: this.#connection, headers, inboxPrefix: this.#inboxPrefix, clock, random };
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  publish(message: BusMessage): Promise<Published> {
    const connection = this.#connection;
    if (!this.#connected || !connection) return Promise.resolve({ kind: "not_acknowledged", reason: "not connected" });
    this.#calls += 1;
    const reply = `${this.#inbox}.${this.#calls}`;
    return new Promise((resolve) => {
      this.#inFlight.set(reply, resolve);
      try {
        const withId = this.#client.headers();
        withId.set(messageIdHeader, message.messageId);
        connection.publish(message.subject, message.body, { reply, headers: withId });
      } catch (error) {
        this.#settle(reply, { kind: "not_acknowledged", reason: error instanceof Error ? error.message : "publish failed" });
      }
    });
  }

  tell(subject: string, body: Uint8Array<ArrayBuffer>): Promise<Told> {
    const connection = this.#connection;
    if (!this.#connected || !connection) return Promise.resolve("unheard");
    this.#calls += 1;
    const reply = `${this.#inbox}.${this.#calls}`;
    const told = new Promise<Told>((resolve) => void this.#telling.set(reply, resolve));
    try {
      connection.publish(subject, body, { reply });
      // The one answer that can come is the server's own, that nobody listens; it comes before the answer to the flush.
      const flushed = connection.flush();
      flushed.then(
        () => this.#settleTold(reply, "heard"),
        () => this.#settleTold(reply, "unknown"),
      );
    } catch {
      this.#settleTold(reply, "unheard");
    }
    return told;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection?.close();
    this.#change(false);
  }

  /** The client reconnects by itself once it was connected; the first connection, and one that it gave up, are ours to try. */
  async #keepConnecting(tried: () => void): Promise<void> {
    while (!this.#closed) {
      try {
        const connection = await this.#client.connect(connectOptions(this.#options, () => this.#reconnectDelayMs()));
        if (this.#closed) return await connection.close();
        this.#connection = connection;
        connection.subscribe(`${this.#inbox}.*`, { callback: (_error, message) => this.#acknowledge(message) });
        this.#change(true);
        tried();
        for await (const { type } of connection.status()) {
          if (type === status.reconnected) this.#change(true);
          if (status.lost.has(type)) this.#change(false);
        }
      } catch {
        // Refused or unreachable: tried again below, for ever.
      }
      this.#change(false);
      tried();
      if (!this.#closed) await this.#options.clock.sleep(this.#reconnectDelayMs());
    }
  }

  #reconnectDelayMs(): number {
    return reconnectMinMs + Math.floor(this.#options.random.next() * reconnectJitterMs);
  }

  #acknowledge(message: Received): void {
    if (this.#telling.has(message.subject)) this.#settleTold(message.subject, "unheard");
    else this.#settle(message.subject, publishedOf(message));
  }

  #settleTold(reply: string, told: Told): void {
    this.#telling.get(reply)?.(told);
    this.#telling.delete(reply);
  }

  #settle(reply: string, published: Published): void {
    this.#inFlight.get(reply)?.(published);
    this.#inFlight.delete(reply);
  }

  #change(connected: boolean): void {
    if (!connected)
      for (const reply of [...this.#inFlight.keys()])
        this.#settle(reply, { kind: "not_acknowledged", reason: "connection lost" });
    if (!connected) for (const reply of [...this.#telling.keys()]) this.#settleTold(reply, "unknown");
    if (this.#connected === connected) return;
    this.#connected = connected;
    for (const listener of this.#listeners) listener();
  }
}

function connectOptions({ servers, user, password, name }: NatsOptions, reconnectDelayHandler: () => number) {
  return {
    servers,
    user,
    pass: password,
    name,
    inboxPrefix: inboxPrefixOf(user),
    timeout: dialTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectDelayHandler,
    // A password that is being changed is no reason to give up.
    ignoreAuthErrorAbort: true,
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
    pingInterval: pingIntervalMs,
    maxPingOut: 2,
  };
}

function publishedOf(message: Received): Published {
  if (message.headers?.code === 503) return { kind: "not_acknowledged", reason: "no stream listens" };
  const ack = v.safeParse(pubAck, jsonOf(message));
  if (!ack.success) return { kind: "not_acknowledged", reason: "no acknowledgement in the answer" };
  if ("error" in ack.output) return { kind: "not_acknowledged", reason: `refused with ${ack.output.error.err_code}` };
  return { kind: "acknowledged", duplicate: ack.output.duplicate };
}

const decoder = new TextDecoder();

function jsonOf(message: Received): unknown {
  try {
    return JSON.parse(decoder.decode(message.data));
  } catch {
    return undefined;
  }
}

function token(random: Random): string {
  return Array.from(random.bytes(12), (byte) => (byte % 36).toString(36)).join("");
}
