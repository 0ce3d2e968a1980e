// One shard's uplink on Cloudflare: a Durable Object with one NATS connection and an SQLite spool. It may be replaced at any moment and
// has no way to say goodbye, so all that it promised is in its storage.
/// <reference path="./cloudflare-workers.d.ts" />
import { DurableObject } from "cloudflare:workers";
import type { DurableObjectState } from "@cloudflare/workers-types";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { closingStore } from "../uplink/closings/closing-store.ts";
import { uplinkLimits } from "../uplink/limits.ts";
import {
  type Closing,
  type Placement,
  type Shard,
  type Stored,
  Uplink,
  type UplinkParts,
  type UplinkStatus,
} from "../uplink/uplink.ts";
import { shardOfSpool, UplinkTelemetry } from "../uplink/uplink-telemetry.ts";
import { storeDeadlineMs } from "../webhook/store-all.ts";
import { readConfiguration, type Variables } from "./env.ts";
import { webSocketLink } from "./nats-ws.ts";
import { ObjectSpool } from "./object-spool.ts";

/** An object that was replaced may go on for a while; nobody waits longer for what it does (`storeDeadlineMs`, and room for two clocks). */
const notAloneForMs = storeDeadlineMs + 600;

export class UplinkObject extends DurableObject<Variables> {
  readonly #uplink: Uplink;
  readonly #telemetry: UplinkTelemetry;
  /** Whose rows an earlier object left: one that its alarm has woken may have no other way to know which shard it is. */
  readonly #shard: Shard | undefined;
  readonly #connecting: Promise<unknown>;

  /** The platform passes the first two. */
  constructor(context: DurableObjectState, env: Variables, parts: UplinkParts = {}) {
    super(context, env);
    const config = readConfiguration(env);
    const clock = clockOf(globalThis);
    const random = randomOf(crypto);
    const spool = new ObjectSpool(context.storage, clock.nowMs);
    const { NATS_WEBSOCKET_URL: servers, NATS_USER: user, NATS_PASSWORD: password } = config;
    // Which shard, for whoever reads the server's list of connections; an object that its alarm has woken may not know.
    const name = ["mio-edge-uplink", context.id.name].filter(Boolean).join(" ");
    const ownLink = webSocketLink({ servers, user, password, name, clock, random });
    const { link = ownLink, limits = { ...uplinkLimits, spoolBytesMax: config.SPOOL_BYTES_MAX } } = parts;
    const { sql } = context.storage;
    const rows = (query: string, ...values: (string | number | Uint8Array<ArrayBuffer>)[]) =>
      sql.exec(query, ...values).toArray();
    const sync = () => context.storage.sync();
    const closings = closingStore({ sql: { rows }, uplink: "this", notAloneForMs, sync });
    const log = (line: Readonly<Record<string, unknown>>) => console.log(JSON.stringify({ ...line, shard: context.id.name }));
    this.#uplink = new Uplink({ link, spool, closings, clock, random, log }, limits);
    // Now, for the first connection drains them.
    this.#shard = shardOfSpool(spool);
    this.#telemetry = new UplinkTelemetry({ link: ownLink, uplink: this.#uplink, clock, random, limits });
    this.#connecting = ownLink.triedSoon();
    void context.blockConcurrencyWhile(() => this.#uplink.start());
  }

  /** `telemetry` is what the caller has counted meanwhile; it may be lost. */
  async store(placement: Placement, events: Uint8Array<ArrayBuffer>[], telemetry?: Uint8Array<ArrayBuffer>): Promise<Stored> {
    await this.#connecting;
    const stored = await this.#uplink.store(placement, events);
    this.#telemetry.note(placement, telemetry);
    return stored;
  }

  async closeLayout(shard: Shard, closing: Closing): Promise<Stored> {
    await this.#connecting;
    return this.#uplink.closeLayout(shard, closing);
  }

  async report(shard: Shard, telemetry: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#telemetry.note(shard, telemetry);
  }

  override async alarm(): Promise<void> {
    await this.#connecting;
    await this.#uplink.wake();
    if (this.#shard) this.#telemetry.note(this.#shard);
    const { spoolRows, spoolOldestAgeMs, connected } = this.#uplink.status();
    const line = { level: "info", event: "uplink_woke", connected, spool_rows: spoolRows, spool_oldest_age_ms: spoolOldestAgeMs };
    console.log(JSON.stringify(line));
  }

  async status(): Promise<UplinkStatus> {
    await this.#connecting;
    return this.#uplink.status();
  }
}
