// The link to the bus, the same over TCP and over a WebSocket: the client library is a parameter. A publish never outlives its
// connection: when that is lost, whatever is in flight fails at once.
import { type BusClient, type ConnectOptions, failureOf } from "@mio/shared/bus/client/bus-client.ts";
import type { Bus, OwnConnection, BusMessage as Received } from "@mio/shared/bus/client/connection.ts";
import { jetStreamErrors } from "@mio/shared/bus/client/jetstream-api.ts";
import { messageIdHeader } from "@mio/shared/bus/names/headers.ts";
import { inboxPrefixOf } from "@mio/shared/bus/names/users.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { Random } from "@mio/shared/random.ts";
import * as v from "valibot";
import type { BusLink, GroupMessage, Published } from "./ports.ts";
import type { ReportOutcome, TelemetryLink } from "./uplink-telemetry.ts";

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
const firstConnectionMs = 400;
const reconnectMinMs = 200;
const reconnectJitterMs = 400;
/** An idle connection that hangs is given up after three of these; until then the uplink's own deadline holds. */
const pingIntervalMs = 5_000;
/** A connection under suspicion that does not answer a ping in this time is given up. Long enough for a full group on a thin line. */
const probeMs = 5_000;
/** A publish that was not answered in this time counts as failed, so that a connection that lives on does not gather them. */
const answerWithinMs = 60_000;

/** The client's own words for a connection that is gone, or that does not answer its pings. */
const ends = new Set(["disconnect", "staleConnection"]);

const pubAck = v.union([
  v.object({ error: v.object({ err_code: v.optional(v.number(), 0), description: v.optional(v.string(), "") }) }),
  v.object({ seq: v.number(), duplicate: v.optional(v.boolean(), false) }),
]);

export class NatsLink implements BusLink, TelemetryLink {
  readonly #client: BusClient;
  readonly #options: NatsOptions;
  readonly #listeners: (() => void)[] = [];
  /** In the order of sending. */
  readonly #inFlight = new Map<string, { sentMs: number; settle: (published: Published) => void }>();
  readonly #reports = new Map<string, (outcome: ReportOutcome) => void>();
  readonly #inboxPrefix: string;
  readonly #inbox: string;
  /** Resolves after the first try to connect, whatever came of it. */
  readonly tried: Promise<void>;
  #connection: OwnConnection | undefined;
  #connected = false;
  #closed = false;
  #calls = 0;
  /**
   * Gives up a connection that hangs. Not left to the client: before it lets go of one it waits until all that it wrote has left, which
   * may take the kernel a quarter of an hour.
   */
  #abandon = () => {};
  #probing = false;

  constructor(client: BusClient, options: NatsOptions) {
    this.#client = client;
    this.#options = options;
    this.#inboxPrefix = inboxPrefixOf(options.user);
    this.#inbox = `${this.#inboxPrefix}.${token(options.random)}`;
    this.tried = new Promise((resolve) => {
      void this.#keepConnecting(resolve);
    });
  }

  /** `tried`, but no later than whatever is new may hold its first work for the bus. */
  triedSoon(): Promise<void> {
    return Promise.race([this.tried, this.#options.clock.sleep(firstConnectionMs)]);
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

  publish(message: GroupMessage): Promise<Published> {
    const connection = this.#connection;
    if (!this.#connected || !connection) return Promise.resolve({ kind: "not_acknowledged", reason: "not connected" });
    this.#giveUpOld();
    this.#calls += 1;
    const reply = `${this.#inbox}.${this.#calls}`;
    return new Promise((resolve) => {
      this.#inFlight.set(reply, { sentMs: this.#options.clock.monotonicMs(), settle: resolve });
      try {
        const withId = this.#client.headers();
        withId.set(messageIdHeader, message.messageId);
        connection.publish(message.subject, message.body, { reply, headers: withId });
      } catch (error) {
        this.#settle(reply, unsent(error));
      }
    });
  }

  report(subject: string, body: Uint8Array<ArrayBuffer>): Promise<ReportOutcome> {
    const connection = this.#connection;
    if (!this.#connected || !connection) return Promise.resolve("unheard");
    this.#calls += 1;
    const reply = `${this.#inbox}.${this.#calls}`;
    const outcome = new Promise<ReportOutcome>((resolve) => void this.#reports.set(reply, resolve));
    try {
      connection.publish(subject, body, { reply });
      // The one answer that can come is the server's own, that nobody listens; it comes before the answer to the flush.
      const flushed = connection.flush();
      flushed.then(
        () => this.#settleReport(reply, "heard"),
        () => this.#settleReport(reply, "unknown"),
      );
    } catch {
      this.#settleReport(reply, "unheard");
    }
    return outcome;
  }

  /** Whatever else the server does, it answers a ping; over a connection that hangs nothing comes back. */
  suspect(): void {
    const connection = this.#connection;
    if (!this.#connected || !connection || this.#probing) return;
    this.#probing = true;
    const enough = new AbortController();
    const late = this.#options.clock.sleep(probeMs, enough.signal).then(() => connection === this.#connection && this.#abandon());
    // A flush that fails is a connection that is gone, which the client sees for itself.
    void Promise.race([connection.flush(), late])
      .catch(() => {})
      .finally(() => {
        enough.abort();
        this.#probing = false;
      });
    late.catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection?.close();
    this.#change(false);
  }

  /**
   * Each connection is dialled from the whole list. The client's own reconnecting would do without the servers that were away at its
   * first try, for ever, and waits for a connection that hangs.
   */
  async #keepConnecting(tried: () => void): Promise<void> {
    while (!this.#closed) {
      try {
        const connection = await this.#client.connect(connectOptions(this.#options));
        if (this.#closed) return await connection.close();
        this.#connection = connection;
        connection.subscribe(`${this.#inbox}.*`, { callback: (_error, message) => this.#acknowledge(message) });
        this.#change(true);
        tried();
        const { promise: abandoned, resolve: abandon } = Promise.withResolvers<void>();
        this.#abandon = abandon;
        void this.#follow(connection);
        await Promise.race([connection.closed(), abandoned]);
        // Not awaited, for that would be the wait that it was abandoned for.
        void connection.close().catch(() => {});
      } catch {
        // Refused or unreachable: tried again below, for ever.
      }
      this.#connection = undefined;
      this.#change(false);
      tried();
      if (!this.#closed) await this.#options.clock.sleep(this.#reconnectDelayMs());
    }
  }

  #reconnectDelayMs(): number {
    return reconnectMinMs + Math.floor(this.#options.random.next() * reconnectJitterMs);
  }

  async #follow(connection: OwnConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (connection !== this.#connection) return;
      if (ends.has(type)) return this.#abandon();
    }
  }

  #giveUpOld(): void {
    const oldestMs = this.#options.clock.monotonicMs() - answerWithinMs;
    for (const [reply, { sentMs }] of this.#inFlight) {
      if (sentMs > oldestMs) return;
      this.#settle(reply, { kind: "not_acknowledged", reason: `no answer in ${answerWithinMs} ms` });
    }
  }

  #acknowledge(message: Received): void {
    if (this.#reports.has(message.subject)) this.#settleReport(message.subject, "unheard");
    else this.#settle(message.subject, publishedOf(message));
  }

  #settleReport(reply: string, outcome: ReportOutcome): void {
    this.#reports.get(reply)?.(outcome);
    this.#reports.delete(reply);
  }

  #settle(reply: string, published: Published): void {
    const waiting = this.#inFlight.get(reply);
    this.#inFlight.delete(reply);
    waiting?.settle(published);
  }

  #change(connected: boolean): void {
    if (!connected)
      for (const reply of [...this.#inFlight.keys()])
        this.#settle(reply, { kind: "not_acknowledged", reason: "connection lost" });
    if (!connected) for (const reply of [...this.#reports.keys()]) this.#settleReport(reply, "unknown");
    if (this.#connected === connected) return;
    this.#connected = connected;
    for (const listener of this.#listeners) listener();
  }
}

function connectOptions({ servers, user, password, name }: NatsOptions): ConnectOptions {
  return {
    servers,
    user,
    password,
    name,
    inboxPrefix: inboxPrefixOf(user),
    timeoutMs: dialTimeoutMs,
    pingIntervalMs,
    onlyTheseServers: true,
  };
}

function publishedOf(message: Received): Published {
  if (message.headers?.code === 503) return { kind: "not_acknowledged", reason: "no stream listens" };
  const ack = v.safeParse(pubAck, jsonOf(message));
  if (!ack.success) return { kind: "not_acknowledged", reason: "no acknowledgement in the answer" };
  if ("error" in ack.output) {
    const { err_code: code, description } = ack.output.error;
    return {
      kind: "refused",
      reason: `refused with ${code}: ${description}`,
      ofMessage: code === jetStreamErrors.messageTooLarge,
    };
  }
  return { kind: "acknowledged", duplicate: ack.output.duplicate };
}

function unsent(error: unknown): Published {
  const reason = error instanceof Error ? error.message : "publish failed";
  if (failureOf(error) === "too_large")
    return { kind: "refused", reason: `larger than the server takes: ${reason}`, ofMessage: true };
  return { kind: "not_acknowledged", reason };
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
