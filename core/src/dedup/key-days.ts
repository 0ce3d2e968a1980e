// The days of the key table: made ahead of time, and dropped once nobody can repeat their events any more.
import type { Pool } from "pg";
import * as v from "valibot";
import { inTransaction } from "../db/in-transaction.ts";
import { undatedDay } from "./keys.ts";

/** An event repeated later than this is new again. Platforms repeat for hours, history imports reach back; the streams hold 7 days. */
const keepDays = 35;
const daysAhead = 3;
const undatedBatch = 5_000;
const dayMs = 86_400_000;

const partitionRow = v.object({ name: v.pipe(v.string(), v.regex(/^ingress_keys_\d{8}$/)) });

/** One pass: days around today exist, days out of reach are gone. Safe beside another replica's; returns what it dropped. */
export async function keepKeyDays(db: Pool, nowMs: number): Promise<{ dropped: string[]; undatedDeleted: number }> {
  for (let ahead = -1; ahead <= daysAhead; ahead += 1)
    await db.query("select ensure_ingress_day($1)", [dayOf(nowMs + ahead * dayMs)]);
  const dropped: string[] = [];
  for (const name of await oldPartitions(db, nowMs)) if (await dropIfUnseen(db, name)) dropped.push(name);
  return { dropped, undatedDeleted: await cleanUndated(db) };
}

async function oldPartitions(db: Pool, nowMs: number): Promise<string[]> {
  const { rows } = await db.query(
    `select child.relname as name from pg_inherits join pg_class child on child.oid = inhrelid
     where inhparent = 'ingress_keys'::regclass and child.relname ~ '^ingress_keys_[0-9]{8}$' and right(child.relname, 8) < $1 order by 1`,
    [dayOf(nowMs - keepDays * dayMs).replaceAll("-", "")],
  );
  return v.parse(v.array(partitionRow), rows).map((row) => row.name);
}

/** A history import brings events of long ago: their day stays for as long as any of its events was seen lately. */
async function dropIfUnseen(db: Pool, name: string): Promise<boolean> {
  return inTransaction(db, async (client) => {
    await client.query("set local lock_timeout = '2s'");
    const { rowCount } = await client.query(`select 1 from ${name} where seen_at > now() - make_interval(days => $1) limit 1`, [
      keepDays,
    ]);
    if (rowCount !== 0) return false;
    await client.query("select drop_ingress_day($1)", [name]);
    return true;
  });
}

async function cleanUndated(db: Pool): Promise<number> {
  for (let deleted = 0; ; ) {
    const { rowCount } = await db.query(
      `delete from ingress_keys_undated where ctid in
        (select ctid from ingress_keys_undated where seen_at < now() - make_interval(days => $1) limit $2)`,
      [keepDays, undatedBatch],
    );
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < undatedBatch) return deleted;
  }
}

/** UTC, `YYYY-MM-DD`. */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/**
 * The day that keys an event. What is no day of these two centuries is undated, by the text alone: the same for every repeat of the
 * event, whenever it comes.
 */
export function keyDayOf(eventDay: string): string {
  if (!/^20\d{2}-\d{2}-\d{2}$/.test(eventDay)) return undatedDay;
  const ms = Date.parse(`${eventDay}T00:00:00Z`);
  return Number.isNaN(ms) || dayOf(ms) !== eventDay ? undatedDay : eventDay;
}
