// One shard's spool in the process's SQLite file. The alarm is a timer; after a restart the host wakes every shard that has rows, so it
// needs no row of its own.
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import type { GroupMessage, Spool, SpoolRow, SpoolState } from "../../uplink/ports.ts";
import type { Database } from "./database.ts";

const alarmDelayMs = 1_000;
/** No alarm is set further ahead than this. */
const alarmTrustedMs = 10_000;

const totalRows = v.tuple([v.object({ rows: v.number(), bytes: v.nullable(v.number()) })]);
const oldestRows = v.array(
  v.object({ id: v.number(), message_id: v.string(), subject: v.string(), body: v.instance(Uint8Array) }),
);
const lengthRows = v.array(v.object({ id: v.number(), bytes: v.number() }));
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
  database.rows(`create table if not exists spool_aside (
    id integer primary key,
    shard text not null,
    message_id text not null,
    subject text not null,
    body blob not null,
    reason text not null
  )`);
}

/** The shards for which an earlier process left something. */
export function spooledShards(database: Database): string[] {
  const query = "select shard from spool union select shard from spool_aside order by shard";
  return v.parse(shardRows, database.rows(query)).map(({ shard }) => shard);
}

export interface SqliteSpoolOptions {
  database: Database;
  shard: string;
  nowMs: () => number;
  /** Bytes in all spools of the database. */
  diskBytes?: () => number;
  /** The alarm's handler. */
  ring: () => void;
}

export class SqliteSpool implements Spool {
  readonly #options: SqliteSpoolOptions;
  #rows = 0;
  #bytes = 0;
  #asideRows = 0;
  #asideBytes = 0;
  #oldestAtMs: number | undefined;
  #alarmAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SqliteSpoolOptions) {
    this.#options = options;
    this.#readTotals();
  }

  get state(): SpoolState {
    const [rows, bytes, asideRows, asideBytes] = [this.#rows, this.#bytes, this.#asideRows, this.#asideBytes];
    const diskBytes = this.#options.diskBytes?.();
    const state = { rows, bytes, asideRows, asideBytes, oldestAtMs: this.#oldestAtMs };
    return diskBytes === undefined ? state : { ...state, diskBytes };
  }

  /** What it takes of the disk. */
  get bytes(): number {
    return this.#bytes + this.#asideBytes;
  }

  async append({ messageId, subject, body }: GroupMessage): Promise<void> {
    const { database, shard } = this.#options;
    const nowMs = this.#options.nowMs();
    const startMs = performance.now();
    const insert = "insert into spool (shard, message_id, subject, body, spooled_at_ms) values (?, ?, ?, ?, ?)";
    database.rows(insert, shard, messageId, subject, body, nowMs);
    this.#rows += 1;
    this.#bytes += body.length;
    this.#oldestAtMs ??= nowMs;
    // One far ahead is from before the clock was set back.
    if (this.#alarmAtMs <= nowMs || this.#alarmAtMs > nowMs + alarmTrustedMs) await this.arm(nowMs + alarmDelayMs);
    // The write has held up the whole process. Now others have as long, and what arrives meanwhile shares the next write: without this each
    // webhook of an outage had a write of its own (300 webhooks a second at 3 ms a write, however many came).
    await sleep(performance.now() - startMs);
  }

  oldest(bounds: { rows: number; bytes: number }): SpoolRow[] {
    const { database, shard } = this.#options;
    // Lengths first, which reads no bodies: what lies behind the bound may be hundreds of megabytes.
    const lengths = "select id, length(body) as bytes from spool where shard = ? order by id limit ?";
    let [bytes, last] = [0, 0];
    for (const row of v.parse(lengthRows, database.rows(lengths, shard, bounds.rows))) {
      bytes += row.bytes;
      if (last > 0 && bytes > bounds.bytes) break;
      last = row.id;
    }
    const query = "select id, message_id, subject, body from spool where shard = ? and id <= ? order by id";
    return v.parse(oldestRows, database.rows(query, shard, last)).map((row) => {
      return { id: row.id, messageId: row.message_id, subject: row.subject, body: Uint8Array.from(row.body) };
    });
  }

  /** Need not reach the disk before the next row is published: a row that comes back is published again, which is harmless. */
  remove(rows: readonly SpoolRow[]): void {
    const { database, shard } = this.#options;
    const last = rows.at(-1);
    if (!last) return;
    database.rowsSoon("delete from spool where shard = ? and id <= ?", shard, last.id);
    this.#rows -= rows.length;
    this.#bytes -= rows.reduce((sum, { body }) => sum + body.length, 0);
    this.#oldestAtMs = this.#readOldestAtMs();
  }

  setAside({ id }: SpoolRow, reason: string): void {
    const { database } = this.#options;
    database.together(() => {
      database.rows(
        `insert into spool_aside (id, shard, message_id, subject, body, reason)
          select id, shard, message_id, subject, body, ? from spool where id = ?`,
        reason,
        id,
      );
      database.rows("delete from spool where id = ?", id);
    });
    this.#readTotals();
  }

  takeBack(): void {
    const { database, shard, nowMs } = this.#options;
    database.together(() => {
      database.rows(
        `insert into spool (shard, message_id, subject, body, spooled_at_ms)
          select shard, message_id, subject, body, ? from spool_aside where shard = ? order by id`,
        nowMs(),
        shard,
      );
      database.rows("delete from spool_aside where shard = ?", shard);
    });
    this.#readTotals();
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

  #readTotals(): void {
    const { database, shard } = this.#options;
    const totalsOf = (table: "spool" | "spool_aside") => {
      const query = `select count(*) as rows, sum(length(body)) as bytes from ${table} where shard = ?`;
      return v.parse(totalRows, database.rows(query, shard))[0];
    };
    const [spool, aside] = [totalsOf("spool"), totalsOf("spool_aside")];
    this.#rows = spool.rows;
    this.#bytes = spool.bytes ?? 0;
    this.#asideRows = aside.rows;
    this.#asideBytes = aside.bytes ?? 0;
    this.#oldestAtMs = this.#readOldestAtMs();
  }

  #readOldestAtMs(): number | undefined {
    const { database, shard } = this.#options;
    const query = "select spooled_at_ms as at from spool where shard = ? order by id limit 1";
    return v.parse(oldestAtRows, database.rows(query, shard))[0]?.at;
  }
}
