// The two-state table of event keys: which are new, which are known, which of those are known to be published.
// Inserting says "seen", marking says "published"; nothing here says both at once.
import type { Origin } from "@mio/shared/bus/names/headers.ts";
import type { Pool } from "pg";
import * as v from "valibot";

interface EventKey {
  /** `YYYY-MM-DD`, or `undatedDay`. */
  eventDay: string;
  accountId: string;
  sourceMessageId: string;
}

export interface NewKey extends EventKey {
  tenantId: string;
  channelType: string;
  conversationId: string;
  conversationExternalId: string;
  senderExternalId: string;
  messageId: string;
  origin: Origin;
}

export interface KnownKey {
  /** Of the first sighting, which may be an earlier one than ours. */
  origin: Origin;
  seenAtMs: number;
  published: boolean;
}

/** The partition of events whose platform gives no time. */
export const undatedDay = "0001-01-01";

/** Postgres: no partition of the relation takes the row. */
const noPartition = "23514";

/**
 * Inserts what is missing, in one statement, and returns what stands in the table for each key, in the order given. Keys must differ from
 * each other. Makes missing partitions. Sorted, so that two owners that insert the same keys never wait for each other in a circle.
 */
export async function insertKeys(db: Pool, keys: readonly NewKey[]): Promise<KnownKey[]> {
  if (keys.length === 0) return [];
  const sorted = [...keys].sort(
    (a, b) =>
      compare(a.eventDay, b.eventDay) || compare(a.accountId, b.accountId) || compare(a.sourceMessageId, b.sourceMessageId),
  );
  try {
    await insert(db, sorted);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === noPartition)) throw error;
    for (const day of new Set(keys.map((key) => key.eventDay).filter((each) => each !== undatedDay)))
      await db.query("select ensure_ingress_day($1)", [day]);
    await insert(db, sorted);
  }
  return readKeys(db, keys);
}

async function insert(db: Pool, keys: readonly NewKey[]): Promise<void> {
  await db.query({
    name: "insert_ingress_keys",
    text: `insert into ingress_keys (event_day, account_id, source_message_id, tenant_id, channel_type, conversation_id,
        conversation_external_id, sender_external_id, message_id, ingress_generation, ingress_sequence, ingress_index)
      select * from unnest($1::date[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::uuid[],
        $10::bigint[], $11::bigint[], $12::int[])
      on conflict do nothing`,
    values: [
      ...keyColumns(keys),
      keys.map((key) => key.tenantId),
      keys.map((key) => key.channelType),
      keys.map((key) => key.conversationId),
      keys.map((key) => key.conversationExternalId),
      keys.map((key) => key.senderExternalId),
      keys.map((key) => key.messageId),
      keys.map((key) => key.origin.streamEpochMs),
      keys.map((key) => key.origin.sequence),
      keys.map((key) => key.origin.index),
    ],
  });
}

const knownRow = v.object({
  stream_epoch_ms: v.pipe(v.string(), v.transform(Number)),
  sequence: v.pipe(v.string(), v.transform(Number)),
  index: v.number(),
  seen_at_ms: v.number(),
  published: v.boolean(),
});

/** The lateral with its limit keeps the planner on the primary key, whatever it believes about the tables' sizes. */
async function readKeys(db: Pool, keys: readonly EventKey[]): Promise<KnownKey[]> {
  const { rows } = await db.query({
    name: "read_ingress_keys",
    text: `select k.* from unnest($1::date[], $2::uuid[], $3::text[]) with ordinality as i (event_day, account_id, source_message_id, place)
      cross join lateral (
        select ingress_generation as stream_epoch_ms, ingress_sequence as sequence, ingress_index as index,
          (extract(epoch from seen_at) * 1000)::float8 as seen_at_ms, published_at is not null as published
        from ingress_keys k
        where k.event_day = i.event_day and k.account_id = i.account_id and k.source_message_id = i.source_message_id limit 1) k
      order by i.place`,
    values: keyColumns(keys),
  });
  const known = v.parse(v.array(knownRow), rows);
  if (known.length !== keys.length)
    throw new Error(`${keys.length} event keys were inserted and ${known.length} read; trying again`);
  return known.map(({ stream_epoch_ms, sequence, index, seen_at_ms, published }) => ({
    origin: { streamEpochMs: stream_epoch_ms, sequence, index },
    seenAtMs: seen_at_ms,
    published,
  }));
}

/** `inboundSequence` is undefined when another attempt published it and its place is not known. */
export async function markPublished(
  db: Pool,
  keys: readonly (EventKey & { inboundSequence: number | undefined })[],
): Promise<void> {
  if (keys.length === 0) return;
  await db.query({
    name: "mark_ingress_keys",
    text: `update ingress_keys k set published_at = now(), inbound_sequence = i.inbound_sequence
      from unnest($1::date[], $2::uuid[], $3::text[], $4::bigint[]) as i (event_day, account_id, source_message_id, inbound_sequence)
      where k.event_day = any ($1::date[]) and k.event_day = i.event_day and k.account_id = i.account_id
        and k.source_message_id = i.source_message_id and k.published_at is null`,
    values: [...keyColumns(keys), keys.map((key) => key.inboundSequence ?? null)],
  });
}

const unpublishedRow = v.object({ rows: v.pipe(v.string(), v.transform(Number)), oldest_seconds: v.nullable(v.number()) });

/** Keys that were seen and not marked, and how long the oldest has waited. */
export async function unpublishedKeys(db: Pool): Promise<{ rows: number; oldestSeconds: number }> {
  const { rows } = await db.query(
    "select count(*) as rows, extract(epoch from now() - min(seen_at))::float8 as oldest_seconds from ingress_keys where published_at is null",
  );
  const parsed = v.parse(unpublishedRow, rows[0]);
  return { rows: parsed.rows, oldestSeconds: Math.round(parsed.oldest_seconds ?? 0) };
}

function keyColumns(keys: readonly EventKey[]): [string[], string[], string[]] {
  return [keys.map((key) => key.eventDay), keys.map((key) => key.accountId), keys.map((key) => key.sourceMessageId)];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
