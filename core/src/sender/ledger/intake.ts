// The ledger's front door: messages of the stream that were read together become rows, in stream order and once each, by one statement that also checks
// that we are still the leader, writes the receipts to publish, and moves the position. Either all of it is true afterwards or none.
import type { Pool } from "pg";
import * as v from "valibot";
import { type Lease, leaseCte, leaseValues } from "../lease/lease.ts";
import { channels } from "../lease/wake.ts";

/** One message of the outbound stream as a row: a command to send, or a dead one that only gets its receipt and its dead letter. */
export interface IntakeRow {
  kind: "command" | "dead";
  id: string;
  tenantId: string;
  accountId: string;
  channelType: string;
  conversationId: string;
  conversationExternalId: string;
  streamSequence: number;
  content: Uint8Array;
  contentSha256: Uint8Array;
  errorCode: string;
  errorText: string;
  causeMessageId: string;
  editOf: string;
  cancelOf: string;
  retryOf: string;
  traceparent: string;
  notBefore: Date | undefined;
  expiresAt: Date | undefined;
  receiptSubject: string;
  /** The subject that a dead row's message stood on; empty for a command. */
  deadLetterOf: string;
}

export interface IntakePosition {
  position: number;
  streamEpoch: number;
  lostUnread: number;
  /** Nobody of this ledger has ever read the stream: what it lost before is not ours to report. */
  first: boolean;
}

const positionRow = v.object({ position: v.string(), stream_epoch: v.number(), lost_unread: v.string(), first: v.boolean() });

/** Where reading goes on. A recreated stream starts at 0 under a new epoch, so its commands come after all that were there. */
export async function openPosition(db: Pool, stream: string, streamCreated: string): Promise<IntakePosition> {
  const found = await db.query(
    `insert into sender_intake as i (stream, stream_created) values ($1, $2)
     on conflict (stream) do update set
       stream_epoch = i.stream_epoch + (i.stream_created <> excluded.stream_created)::int,
       position = case when i.stream_created = excluded.stream_created then i.position else 0 end,
       stream_created = excluded.stream_created
     returning position, stream_epoch, lost_unread, xmax = 0 as first`,
    [stream, streamCreated],
  );
  const row = v.parse(positionRow, found.rows[0]);
  return { position: Number(row.position), streamEpoch: row.stream_epoch, lostUnread: Number(row.lost_unread), first: row.first };
}

export interface RowsToInsert {
  lease: Lease;
  stream: string;
  streamEpoch: number;
  /** The last sequence that these rows cover. */
  position: number;
  /** Sequences that left the stream before anybody read them. */
  lostUnread: number;
  rows: readonly IntakeRow[];
}

type Inserted = { kind: "inserted"; sequences: ReadonlySet<number> } | { kind: "lost_lease" };

const insertedRow = v.object({ held: v.number(), sequences: v.nullable(v.array(v.string())) });

/** Rows that are there already stay as they are. Safe to repeat. */
export async function insertRows(db: Pool, insert: RowsToInsert): Promise<Inserted> {
  const { rows } = insert;
  const column = <T>(of: (row: IntakeRow) => T) => rows.map(of);
  const result = await db.query(insertSql, [
    ...leaseValues(insert.lease),
    insert.stream,
    insert.streamEpoch,
    insert.position,
    insert.lostUnread,
    column((row) => row.id),
    column((row) => row.tenantId),
    column((row) => row.accountId),
    column((row) => row.channelType),
    column((row) => row.conversationId),
    column((row) => row.conversationExternalId),
    column((row) => row.streamSequence),
    column((row) => (row.kind === "command" ? "queued" : "failed")),
    column((row) => Buffer.from(row.content)),
    column((row) => Buffer.from(row.contentSha256)),
    column((row) => row.errorCode),
    column((row) => row.errorText),
    column((row) => row.causeMessageId),
    column((row) => row.editOf),
    column((row) => row.cancelOf),
    column((row) => row.retryOf),
    column((row) => row.traceparent),
    column((row) => row.notBefore ?? null),
    column((row) => row.expiresAt ?? null),
    column((row) => row.receiptSubject),
    column((row) => row.deadLetterOf),
  ]);
  const row = v.parse(insertedRow, result.rows[0]);
  if (row.held === 0) return { kind: "lost_lease" };
  return { kind: "inserted", sequences: new Set((row.sequences ?? []).map(Number)) };
}

const insertSql = `
with ${leaseCte(1)},
incoming as (
  select * from unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[],
    $16::bytea[], $17::bytea[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[],
    $25::timestamptz[], $26::timestamptz[], $27::text[], $28::text[])
  as t (id, tenant_id, account_id, channel_type, conversation_id, conversation_external_id, stream_sequence, state,
    content, content_sha256, error_code, error_text, cause_message_id, edit_of, cancel_of, retry_of, traceparent,
    not_before, expires_at, receipt_subject, dead_letter_of)
),
inserted as (
  insert into sender_commands (id, tenant_id, account_id, channel_type, conversation_id, conversation_external_id, stream_epoch,
    stream_sequence, state, content, content_sha256, error_code, error_text, cause_message_id, edit_of, cancel_of, retry_of,
    traceparent, not_before, expires_at, finished_at)
  select id, tenant_id, account_id, channel_type, conversation_id, conversation_external_id, $5::int,
    stream_sequence, state, content, content_sha256, error_code, error_text, cause_message_id, edit_of, cancel_of, retry_of,
    traceparent, not_before, expires_at, case when state = 'failed' then now() end
  from incoming cross join held order by stream_sequence
  on conflict do nothing
  returning stream_sequence
),
receipts as (
  insert into sender_outbox (command_id, kind, subject)
  select id, kind, subject from (
    select id, stream_sequence, case when state = 'queued' then 'accepted' else 'final' end as kind, receipt_subject as subject from incoming
    union all
    select id, stream_sequence, 'dead_letter', dead_letter_of from incoming where dead_letter_of <> ''
  ) as facts join inserted using (stream_sequence) order by stream_sequence
),
moved as (
  update sender_intake set position = greatest(position, $6::bigint), lost_unread = lost_unread + $7::bigint
  from held where stream = $4
)
select (select count(*)::int from held) as held, (select array_agg(stream_sequence::text) from inserted) as sequences,
  pg_notify('${channels.queue}', '')::text, pg_notify('${channels.outbox}', '')::text`;

const knownRow = v.object({
  id: v.string(),
  account_id: v.string(),
  stream_epoch: v.number(),
  stream_sequence: v.string(),
  content_sha256: v.instance(Uint8Array),
});

export interface Known {
  accountId: string;
  streamEpoch: number;
  streamSequence: number;
  contentSha256: Uint8Array;
}

/** What stands in the ledger under these ids. */
export async function knownCommands(db: Pool, ids: readonly string[]): Promise<Map<string, Known>> {
  const found = await db.query(
    "select id, account_id, stream_epoch, stream_sequence, content_sha256 from sender_commands where id = any($1)",
    [ids],
  );
  return new Map(
    v.parse(v.array(knownRow), found.rows).map((row) => [
      row.id,
      {
        accountId: row.account_id,
        streamEpoch: row.stream_epoch,
        streamSequence: Number(row.stream_sequence),
        contentSha256: row.content_sha256,
      },
    ]),
  );
}

/** Counts on its row that an id came again with other content. */
export async function countDiffering(db: Pool, ids: readonly string[]): Promise<void> {
  await db.query("update sender_commands set differing_contents = differing_contents + 1 where id = any($1)", [ids]);
}
