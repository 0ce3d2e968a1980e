// One shard's spool in the process's SQLite file. The alarm is a timer; after a restart the host wakes every shard that has rows, so it
// needs no row of its own.
import * as v from "valibot";
import type { BusMessage, Spool, SpoolRow, SpoolState } from "../uplink/ports.ts";
import type { Database } from "./database.ts";

const alarmDelayMs = 1_000;

const totalRows = v.tuple([v.object({ rows: v.number(), bytes: v.nullable(v.number()) })]);
const oldestRows = v.array(
  v.object({ id: v.number(), message_id: v.string(), subject: v.string(), body: v.instance(Uint8Array) }),
);
const oldestAtRows = v.array(v.object({ at: v.number() }));
const shardRows = v.array(v.object({ shard: v.string() }));

/** Makes the table where it is missing. Call it once, before any spool is made. */
export function prepareSpools(database: Database): void {
  // Autoincrement: an id is never used again, so the order holds when the spool was empty in between.
  database.rows(`create table if not exists spool (
    id integer primary key autoincrement,
    shard text not null,
    message_id text not null,
    subject text not null,
    body blob not null,
    spooled_at_ms integer not null
  )`);
  database.rows("create index if not exists spool_by_shard on spool (shard, id)");
}

/** The shards for which an earlier process left something. */
export function spooledShards(database: Database): string[] {
  return v.parse(shardRows, database.rows("select distinct shard from spool order by shard")).map(({ shard }) => shard);
}

export interface SqliteSpoolOptions {
  database: Database;
  shard: string;
  nowMs: () => number;
  /** The alarm's handler. */
  ring: () => void;
}

export class SqliteSpool implements Spool {
  readonly #options: SqliteSpoolOptions;
  #rows: number;
  #bytes: number;
  #oldestAtMs: number | undefined;
  #alarmAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SqliteSpoolOptions) {
    this.#options = options;
    const query = "select count(*) as rows, sum(length(body)) as bytes from spool where shard = ?";
    const [totals] = v.parse(totalRows, options.database.rows(query, options.shard));
    this.#rows = totals.rows;
    this.#bytes = totals.bytes ?? 0;
    this.#oldestAtMs = this.#readOldestAtMs();
  }

  get state(): SpoolState {
    return { rows: this.#rows, bytes: this.#bytes, oldestAtMs: this.#oldestAtMs };
  }

  async append({ messageId, subject, body }: BusMessage): Promise<void> {
    const { database, shard } = this.#options;
    const nowMs = this.#options.nowMs();
    const insert = "insert into spool (shard, message_id, subject, body, spooled_at_ms) values (?, ?, ?, ?, ?)";
    database.rows(insert, shard, messageId, subject, body, nowMs);
    this.#rows += 1;
    this.#bytes += body.length;
    this.#oldestAtMs ??= nowMs;
    if (this.#alarmAtMs <= nowMs) await this.arm(nowMs + alarmDelayMs);
  }

  oldest(): SpoolRow | undefined {
    const { database, shard } = this.#options;
    const query = "select id, message_id, subject, body from spool where shard = ? order by id limit 1";
    const [row] = v.parse(oldestRows, database.rows(query, shard));
    return row && { id: row.id, messageId: row.message_id, subject: row.subject, body: Uint8Array.from(row.body) };
  }

  /** Need not reach the disk before the next row is published: a row that comes back is published again, which is harmless. */
  remove(row: SpoolRow): void {
    this.#options.database.rowsSoon("delete from spool where id = ?", row.id);
    this.#rows -= 1;
    this.#bytes -= row.body.length;
    this.#oldestAtMs = this.#readOldestAtMs();
  }

  async arm(atMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#alarmAtMs = atMs;
    this.#timer = setTimeout(this.#options.ring, Math.max(0, atMs - this.#options.nowMs()));
  }

  /** No alarm rings after this. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #readOldestAtMs(): number | undefined {
    const { database, shard } = this.#options;
    const query = "select spooled_at_ms as at from spool where shard = ? order by id limit 1";
    return v.parse(oldestAtRows, database.rows(query, shard))[0]?.at;
  }
}
