// The spool in a Durable Object's own SQLite. A row and its alarm are written together; `sync` says when they are on disk.
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { BusMessage, Spool, SpoolRow, SpoolState } from "../uplink/ports.ts";

const alarmDelayMs = 1_000;

export class ObjectSpool implements Spool {
  readonly #storage: DurableObjectStorage;
  readonly #nowMs: () => number;
  #rows = 0;
  #bytes = 0;
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
    const totals = storage.sql
      .exec<{ rows: number; bytes: number | null }>("select count(*) as rows, sum(length(body)) as bytes from spool")
      .one();
    this.#rows = totals.rows;
    this.#bytes = totals.bytes ?? 0;
    this.#oldestAtMs = this.#readOldestAtMs();
  }

  get state(): SpoolState {
    return { rows: this.#rows, bytes: this.#bytes, oldestAtMs: this.#oldestAtMs };
  }

  async append(message: BusMessage): Promise<void> {
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
    const alarm = this.#alarmAtMs > nowMs ? Promise.resolve() : this.arm(nowMs + alarmDelayMs);
    await Promise.all([alarm, this.#storage.sync()]);
  }

  oldest(): SpoolRow | undefined {
    const [row] = this.#storage.sql
      .exec<{ id: number; message_id: string; subject: string; body: ArrayBuffer }>(
        "select id, message_id, subject, body from spool order by id limit 1",
      )
      .toArray();
    return row && { id: row.id, messageId: row.message_id, subject: row.subject, body: new Uint8Array(row.body) };
  }

  remove(row: SpoolRow): void {
    this.#storage.sql.exec("delete from spool where id = ?", row.id);
    this.#rows -= 1;
    this.#bytes -= row.body.length;
    this.#oldestAtMs = this.#readOldestAtMs();
  }

  async arm(atMs: number): Promise<void> {
    this.#alarmAtMs = atMs;
    await this.#storage.setAlarm(atMs);
  }

  #readOldestAtMs(): number | undefined {
    return this.#storage.sql.exec<{ at: number }>("select spooled_at_ms as at from spool order by id limit 1").toArray()[0]?.at;
  }
}
