// The spool in a Durable Object's own SQLite. A row and its alarm are written together; `sync` says when they are on disk.
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { GroupMessage, Spool, SpoolRow, SpoolState } from "../uplink/ports.ts";

const alarmDelayMs = 1_000;
/** No alarm is set further ahead than this. */
const alarmTrustedMs = 10_000;

type RowOfTable = { id: number; message_id: string; subject: string; body: ArrayBuffer };

export class ObjectSpool implements Spool {
  readonly #storage: DurableObjectStorage;
  readonly #nowMs: () => number;
  #rows = 0;
  #bytes = 0;
  #asideRows = 0;
  #asideBytes = 0;
  #oldestAtMs: number | undefined;
  /** When the alarm that we set will ring; one from before this object's start is not known here. */
  #alarmAtMs = Number.NEGATIVE_INFINITY;

  constructor(storage: DurableObjectStorage, nowMs: () => number) {
    this.#storage = storage;
    this.#nowMs = nowMs;
    // Autoincrement: an id is never used again, so the order holds when the spool was empty in between.
    storage.sql.exec(`create table if not exists spool (
      id integer primary key autoincrement,
      message_id text not null,
      subject text not null,
      body blob not null,
      spooled_at_ms integer not null
    )`);
    storage.sql.exec(`create table if not exists spool_aside (
      id integer primary key,
      message_id text not null,
      subject text not null,
      body blob not null,
      reason text not null
    )`);
    this.#readTotals();
  }

  get state(): SpoolState {
    const [rows, bytes, asideRows, asideBytes] = [this.#rows, this.#bytes, this.#asideRows, this.#asideBytes];
    return { rows, bytes, asideRows, asideBytes, oldestAtMs: this.#oldestAtMs };
  }

  async append(message: GroupMessage): Promise<void> {
    const nowMs = this.#nowMs();
    this.#storage.sql.exec(
      "insert into spool (message_id, subject, body, spooled_at_ms) values (?, ?, ?, ?)",
      message.messageId,
      message.subject,
      message.body,
      nowMs,
    );
    this.#rows += 1;
    this.#bytes += message.body.length;
    this.#oldestAtMs ??= nowMs;
    // One far ahead is from before the clock was set back.
    const armed = this.#alarmAtMs > nowMs && this.#alarmAtMs <= nowMs + alarmTrustedMs;
    const alarm = armed ? Promise.resolve() : this.arm(nowMs + alarmDelayMs);
    await Promise.all([alarm, this.#storage.sync()]);
  }

  oldest(bounds: { rows: number; bytes: number }): SpoolRow[] {
    const query = "select id, message_id, subject, body from spool order by id limit ?";
    const found: SpoolRow[] = [];
    let bytes = 0;
    // The cursor reads row by row, so what lies behind the bound is not read.
    for (const row of this.#storage.sql.exec<RowOfTable>(query, bounds.rows)) {
      const body = new Uint8Array(row.body);
      bytes += body.length;
      if (found.length > 0 && bytes > bounds.bytes) break;
      found.push({ id: row.id, messageId: row.message_id, subject: row.subject, body });
    }
    return found;
  }

  remove(rows: readonly SpoolRow[]): void {
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return;
    this.#storage.sql.exec("delete from spool where id between ? and ?", first.id, last.id);
    this.#rows -= rows.length;
    this.#bytes -= rows.reduce((sum, { body }) => sum + body.length, 0);
    this.#oldestAtMs = this.#readOldestAtMs();
  }

  setAside({ id }: SpoolRow, reason: string): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(
        "insert into spool_aside (id, message_id, subject, body, reason) select id, message_id, subject, body, ? from spool where id = ?",
        reason,
        id,
      );
      this.#storage.sql.exec("delete from spool where id = ?", id);
    });
    this.#readTotals();
  }

  takeBack(): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(
        "insert into spool (message_id, subject, body, spooled_at_ms) select message_id, subject, body, ? from spool_aside order by id",
        this.#nowMs(),
      );
      this.#storage.sql.exec("delete from spool_aside");
    });
    this.#readTotals();
  }

  async arm(atMs: number): Promise<void> {
    this.#alarmAtMs = atMs;
    try {
      await this.#storage.setAlarm(atMs);
    } catch (error) {
      this.#alarmAtMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  #readTotals(): void {
    const totalsOf = (table: "spool" | "spool_aside") =>
      this.#storage.sql
        .exec<{ rows: number; bytes: number | null }>(`select count(*) as rows, sum(length(body)) as bytes from ${table}`)
        .one();
    const [spool, aside] = [totalsOf("spool"), totalsOf("spool_aside")];
    this.#rows = spool.rows;
    this.#bytes = spool.bytes ?? 0;
    this.#asideRows = aside.rows;
    this.#asideBytes = aside.bytes ?? 0;
    this.#oldestAtMs = this.#readOldestAtMs();
  }

  #readOldestAtMs(): number | undefined {
    return this.#storage.sql.exec<{ at: number }>("select spooled_at_ms as at from spool order by id limit 1").toArray()[0]?.at;
  }
}
