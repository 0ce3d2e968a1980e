// All uplinks of the process, by name: made when first asked for, kept for good. Their number is bounded by the directory's shard layouts.

import type { ShardStatus } from "../pressure.ts";
import type { UplinkPorts } from "../uplink/ports.ts";
import { Uplink, type UplinkParts } from "../uplink/uplink.ts";
import type { Database } from "./database.ts";
import { prepareSpools, SqliteSpool, spooledShards } from "./sqlite-spool.ts";

type Ports = Omit<UplinkPorts, "spool"> & { database: Database };

export class Uplinks {
  readonly #ports: Ports;
  readonly #log: (line: Readonly<Record<string, unknown>>) => void;
  readonly #parts: UplinkParts;
  readonly #made = new Map<string, { uplink: Uplink; spool: SqliteSpool }>();
  #closed = false;

  constructor(ports: Ports, log: (line: Readonly<Record<string, unknown>>) => void, parts: UplinkParts = {}) {
    this.#ports = ports;
    this.#log = log;
    this.#parts = parts;
    prepareSpools(ports.database);
  }

  /** Throws when the storage fails while the uplink is made. */
  of(name: string): Uplink {
    const known = this.#made.get(name);
    if (known) return known.uplink;
    const { database, ...ports } = this.#ports;
    const ring = () => void this.#wake(name);
    const spool = new SqliteSpool({ database, shard: name, nowMs: ports.clock.nowMs, ring });
    const { link = ports.link, limits } = this.#parts;
    const log = (line: Readonly<Record<string, unknown>>) => this.#log({ ...line, shard: name });
    const uplink = new Uplink({ ...ports, link, spool, log }, limits);
    this.#made.set(name, { uplink, spool });
    return uplink;
  }

  /** Takes up what an earlier process left. */
  wakeAll(): void {
    for (const name of spooledShards(this.#ports.database)) void this.#wake(name);
  }

  /** Of these, and of all others that were made. */
  status(names: readonly string[]): ShardStatus[] {
    return [...new Set([...names, ...this.#made.keys()])].map((name) => ({ name, status: this.of(name).status() }));
  }

  /** No alarm rings after this. */
  close(): void {
    this.#closed = true;
    for (const { spool } of this.#made.values()) spool.close();
  }

  async #wake(name: string): Promise<void> {
    if (this.#closed) return;
    const uplink = this.of(name);
    await uplink.wake();
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
}
