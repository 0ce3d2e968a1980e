// How much waits in the ledger, for `/status` and metrics: read every few seconds from indexes that hold only what is open.
import type { Pool } from "pg";
import * as v from "valibot";

export interface Backlog {
  queued: number;
  oldestQueuedSeconds: number;
  /** Parked for a person. */
  unknown: number;
  outboxBacklog: number;
  oldestOutboxSeconds: number;
}

const backlogRow = v.object({
  queued: v.number(),
  oldest_queued_seconds: v.number(),
  unknown: v.number(),
  outbox_backlog: v.number(),
  oldest_outbox_seconds: v.number(),
});

/** Ages in seconds, 0 when nothing waits. */
export async function backlogOf(db: Pool): Promise<Backlog> {
  const found = await db.query(
    `select open.*, unpublished.*, (select count(*)::int from sender_commands where state = 'unknown') as unknown
     from (select count(*)::int as queued, coalesce(extract(epoch from now() - min(accepted_at)), 0)::float8 as oldest_queued_seconds
           from sender_commands where state in ('queued', 'sending')) as open,
          (select count(*)::int as outbox_backlog, coalesce(extract(epoch from now() - min(decided_at)), 0)::float8 as oldest_outbox_seconds
           from sender_outbox where published_at is null) as unpublished`,
  );
  const row = v.parse(backlogRow, found.rows[0]);
  return {
    queued: row.queued,
    oldestQueuedSeconds: row.oldest_queued_seconds,
    unknown: row.unknown,
    outboxBacklog: row.outbox_backlog,
    oldestOutboxSeconds: row.oldest_outbox_seconds,
  };
}
