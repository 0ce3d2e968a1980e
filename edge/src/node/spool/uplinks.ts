// All uplinks of the process, by name: made when first asked for, kept for good. Their number is bounded by the directory's shard layouts.

import type { ShardStatus } from "../../edge-health.ts";
import { closingStore } from "../../uplink/closings/closing-store.ts";
import { shardOfUplink, uplinkName } from "../../uplink/layout.ts";
import type { UplinkPorts } from "../../uplink/ports.ts";
import { type Closing, type Placement, type Shard, type Stored, Uplink, type UplinkParts } from "../../uplink/uplink.ts";
import { type TelemetryLink, UplinkTelemetry } from "../../uplink/uplink-telemetry.ts";
import type { Database } from "./database.ts";
import { prepareSpools, SqliteSpool, spooledShards } from "./sqlite-spool.ts";

/** The file keeps this much for the next outage. */
const freeBytesKept = 4 * 1024 * 1024;
/** Measured: 15 ms a step, in which nothing else is done. */
const shrinkStepBytes = 1024 * 1024;
const shrinkPauseMs = 50;

type Ports = Omit<UplinkPorts, "spool" | "closings" | "link"> & { link: UplinkPorts["link"] & TelemetryLink; database: Database };

type Parts = UplinkParts & Required<Pick<UplinkParts, "limits">>;

interface Made {
  uplink: Uplink;
  spool: SqliteSpool;
  telemetry: UplinkTelemetry;
}

export class Uplinks {
  readonly #ports: Ports;
  readonly #log: (line: Readonly<Record<string, unknown>>) => void;
  readonly #parts: Parts;
  readonly #made = new Map<string, Made>();
  readonly #heart: NodeJS.Timeout;
  #closed = false;
  #shrinking = false;

  constructor(ports: Ports, log: (line: Readonly<Record<string, unknown>>) => void, parts: Parts) {
    this.#ports = ports;
    this.#log = log;
    this.#parts = parts;
    prepareSpools(ports.database);
    // A process is awake anyway, so its uplinks report their state also when nothing happens.
    this.#heart = setInterval(() => this.#beat(), parts.limits.telemetryEveryMs).unref();
  }

  /** Rejects when the storage fails while the uplink is made. `telemetry` is what was counted meanwhile; it may be lost. */
  async store(placement: Placement, events: Uint8Array<ArrayBuffer>[], telemetry?: Uint8Array<ArrayBuffer>): Promise<Stored> {
    const made = this.#of(uplinkName(placement));
    const stored = await made.uplink.store(placement, events);
    made.telemetry.note(placement, telemetry);
    return stored;
  }

  /** Rejects as `store`. */
  async closeLayout(shard: Shard, closing: Closing): Promise<Stored> {
    return this.#of(uplinkName(shard)).uplink.closeLayout(shard, closing);
  }

  /** Throws when the storage fails while the uplink is made. */
  report(shard: Shard, telemetry: Uint8Array<ArrayBuffer>): void {
    this.#of(uplinkName(shard)).telemetry.note(shard, telemetry);
  }

  /** What all of them have to report, within the deadline of one. */
  async reportAll(): Promise<void> {
    await Promise.all(Array.from(this.#made.values(), ({ telemetry }) => telemetry.report()));
  }

  #of(name: string): Made {
    const known = this.#made.get(name);
    if (known) return known;
    const { database, ...ports } = this.#ports;
    const ring = () => void this.#wake(name);
    const diskBytes = () => [...this.#made.values()].reduce((sum, each) => sum + each.spool.bytes, 0);
    const spool = new SqliteSpool({ database, shard: name, nowMs: ports.clock.nowMs, ring, diskBytes });
    const { link = ports.link, limits } = this.#parts;
    const log = (line: Readonly<Record<string, unknown>>) => this.#log({ ...line, shard: name });
    // The file's lock leaves no other process that could publish, and a write is on disk when it returns.
    const closings = closingStore({ sql: database, uplink: name, notAloneForMs: 0, sync: async () => {} });
    const uplink = new Uplink({ ...ports, link, spool, closings, log }, limits);
    const { clock, random } = ports;
    const telemetry = new UplinkTelemetry({ link: ports.link, uplink, clock, random, limits });
    const made = { uplink, spool, telemetry };
    this.#made.set(name, made);
    void uplink.start();
    return made;
  }

  /** Takes up what an earlier process left. */
  wakeAll(): void {
    for (const name of spooledShards(this.#ports.database)) void this.#wake(name);
  }

  /** Of these, and of all others that were made. */
  status(names: readonly string[]): ShardStatus[] {
    return [...new Set([...names, ...this.#made.keys()])].map((name) => ({ name, status: this.#of(name).uplink.status() }));
  }

  /** No alarm rings after this. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#heart);
    for (const { spool } of this.#made.values()) spool.close();
  }

  /** After an outage the file gives back what the spool has taken, piece by piece, while nothing is spooled. */
  async #shrink(): Promise<void> {
    const { database, clock } = this.#ports;
    if (this.#shrinking) return;
    this.#shrinking = true;
    try {
      while (!this.#closed && this.#spooledRows() === 0 && database.freeBytes > freeBytesKept) {
        database.shrink(shrinkStepBytes);
        await clock.sleep(shrinkPauseMs);
      }
    } catch (error) {
      this.#log({ level: "warn", event: "file_not_shrunk", reason: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#shrinking = false;
    }
  }

  #spooledRows(): number {
    return [...this.#made.values()].reduce((sum, { spool }) => sum + spool.state.rows, 0);
  }

  async #wake(name: string): Promise<void> {
    if (this.#closed) return;
    const { uplink, telemetry } = this.#of(name);
    await uplink.wake();
    const shard = shardOfUplink(name);
    if (shard) telemetry.note(shard);
    void this.#shrink();
    const { spoolRows, spoolOldestAgeMs, connected } = uplink.status();
    this.#log({
      level: "info",
      event: "uplink_woke",
      shard: name,
      connected,
      spool_rows: spoolRows,
      spool_oldest_age_ms: spoolOldestAgeMs,
    });
  }

  #beat(): void {
    for (const { telemetry } of this.#made.values()) telemetry.beat();
  }
}
