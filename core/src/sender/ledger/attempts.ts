// The three statements of a delivery: read what is to be sent, write `sending` before the call, write what came of it. Each takes many commands
// at once. `sending` is fenced by the lease; what came of it by the attempt's own id, so the truth is recorded also by an owner that was replaced
// meanwhile, unless its successor has judged the attempt already.
import type { Pool } from "pg";
import * as v from "valibot";
import { type Lease, leaseCte, leaseValues } from "../lease/lease.ts";
import { channels } from "../lease/wake.ts";
import { type CommandRecord, commandRecordColumns, commandRecordsOf } from "./command-record.ts";
import { receiptSubjectSql } from "./queue.ts";

/** What an edit is about, as the ledger knows it. */
export interface LedgerTarget {
  state: string;
  conversationId: string;
  /** Comes after the edit in its lane, so that it can never be there in time. */
  later: boolean;
  externalId: string | undefined;
}

export interface CommandRow {
  id: string;
  state: string;
  content: Uint8Array;
  calls: string | undefined;
  externalIds: string[];
  failures: number;
  failingForMs: number;
  attemptId: string | undefined;
  traceparent: string;
  target: LedgerTarget | undefined;
}

const commandRow = v.object({
  id: v.string(),
  state: v.string(),
  content: v.instance(Uint8Array),
  calls: v.nullable(v.string()),
  external_ids: v.array(v.string()),
  failures: v.number(),
  failing_for_ms: v.number(),
  attempt_id: v.nullable(v.string()),
  traceparent: v.string(),
  target_state: v.nullable(v.string()),
  target_conversation_id: v.nullable(v.string()),
  target_later: v.nullable(v.boolean()),
  target_external_id: v.nullable(v.string()),
});

/** In the order of the ids; null where there is no such row. */
export async function readCommands(db: Pool, ids: readonly string[]): Promise<(CommandRow | null)[]> {
  const found = await db.query(readSql, [ids]);
  const rows = new Map(v.parse(v.array(commandRow), found.rows).map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = rows.get(id);
    return row === undefined ? null : commandOf(row);
  });
}

/**
 * The target of an edit is a command of the account, or the command that a Message id came from. An edit that was superseded stands for its own
 * target: whoever keeps the id of the last edit to make the next one must not be told that it was never sent.
 */
const readSql = `
select c.id, c.state, c.content, c.calls, c.external_ids, c.failures, c.attempt_id, c.traceparent,
  coalesce(extract(epoch from now() - c.first_failed_at) * 1000, 0)::float8 as failing_for_ms,
  case when t.superseded and t.edit_of like 'external:%' then 'sent' else t.state end as target_state,
  case when t.superseded and t.edit_of like 'external:%' then substr(t.edit_of, 10) else t.external_id end as target_external_id,
  t.conversation_id as target_conversation_id, (t.stream_epoch, t.stream_sequence) > (c.stream_epoch, c.stream_sequence) as target_later
from sender_commands c
left join lateral (
  with recursive chain as (
    (
      select 1 as depth, state, conversation_id, stream_epoch, stream_sequence, external_ids[1] as external_id, edit_of,
        error_code = 'superseded' as superseded
      from sender_commands where c.edit_of like 'message:%' and id = substr(c.edit_of, 9) and account_id = c.account_id
      union all
      select 1, state, conversation_id, stream_epoch, stream_sequence, external_ids[array_position(message_ids, substr(c.edit_of, 9))], edit_of, false
      from sender_commands
      where c.edit_of like 'message:%' and state = 'sent' and message_ids @> array[substr(c.edit_of, 9)] and account_id = c.account_id
      limit 1
    )
    union all
    select depth + 1, n.state, n.conversation_id, n.stream_epoch, n.stream_sequence,
      coalesce(n.external_ids[array_position(n.message_ids, substr(chain.edit_of, 9))], n.external_ids[1]), n.edit_of, n.error_code = 'superseded'
    from chain join sender_commands n on n.account_id = c.account_id
      and (n.id = substr(chain.edit_of, 9) or n.state = 'sent' and n.message_ids @> array[substr(chain.edit_of, 9)])
    where chain.superseded and chain.edit_of like 'message:%' and depth < 20
  )
  select * from chain order by depth desc limit 1
) t on true
where c.id = any($1)`;

function commandOf(row: v.InferOutput<typeof commandRow>): CommandRow {
  return {
    id: row.id,
    state: row.state,
    content: row.content,
    calls: row.calls ?? undefined,
    externalIds: row.external_ids,
    failures: row.failures,
    failingForMs: row.failing_for_ms,
    attemptId: row.attempt_id ?? undefined,
    traceparent: row.traceparent,
    target:
      row.target_state === null
        ? undefined
        : {
            state: row.target_state,
            conversationId: row.target_conversation_id ?? "",
            later: row.target_later === true,
            externalId: row.target_external_id ?? undefined,
          },
  };
}

export interface Beginning {
  id: string;
  attemptId: string;
  /** Which call of the plan; refused when another has been recorded meanwhile. */
  part: number;
  calls: string;
}

/** Writes `sending`; false where the row is not there for us any more. `attemptMs` by the database's clock ends the call for certain. */
export async function beginAttempts(db: Pool, lease: Lease, attemptMs: number, items: readonly Beginning[]): Promise<boolean[]> {
  const begun = await db.query(
    `with ${leaseCte(1)}
     update sender_commands c set state = 'sending', attempt_id = r.attempt_id, calls = coalesce(c.calls, r.calls),
       attempts = c.attempts + 1, attempt_deadline = now() + $4 * interval '1 ms', next_attempt_at = null
     from unnest($5::text[], $6::text[], $7::int[], $8::text[]) as r (id, attempt_id, part, calls), held
     where c.id = r.id and (c.state = 'queued' and cardinality(c.external_ids) = r.part
         and (c.expires_at is null or c.expires_at > now() or r.part > 0)
       or c.state = 'sending' and c.attempt_id = r.attempt_id)
     returning c.id`,
    [
      ...leaseValues(lease),
      attemptMs,
      items.map((item) => item.id),
      items.map((item) => item.attemptId),
      items.map((item) => item.part),
      items.map((item) => item.calls),
    ],
  );
  const ids = new Set(v.parse(v.array(v.object({ id: v.string() })), begun.rows).map((row) => row.id));
  return items.map((item) => ids.has(item.id));
}

type FinalState = "sent" | "failed" | "expired" | "cancelled" | "unknown";

export interface Change {
  id: string;
  /** The attempt that this is the end of; undefined when the command was still queued. */
  attemptId: string | undefined;
  state: "queued" | FinalState;
  /** What the platform gave for this part, and the Message id derived from it. */
  delivered?: { externalId: string; messageId: string };
  /** The call was not made, or the platform only said "wait": it counts as no attempt. */
  refunded?: boolean;
  /** In a row, after this. */
  failures?: number;
  delayMs?: number;
  errorCode?: string;
  errorText?: string;
}

/** Writes ends and returns, each with its final receipt in the same statement; null where somebody else was first. */
export async function recordChanges(db: Pool, changes: readonly Change[]): Promise<(CommandRecord | null)[]> {
  const column = <T>(of: (change: Change) => T) => changes.map(of);
  const recorded = await db.query(recordSql, [
    column((change) => change.id),
    column((change) => change.attemptId ?? null),
    column((change) => change.state),
    column((change) => change.delivered?.externalId.replaceAll("\0", "") ?? null),
    column((change) => change.delivered?.messageId ?? null),
    column((change) => (change.refunded ? 1 : 0)),
    column((change) => change.failures ?? 0),
    column((change) => change.delayMs ?? 0),
    column((change) => (change.errorCode ?? "").replaceAll("\0", "")),
    column((change) => (change.errorText ?? "").replaceAll("\0", "")),
  ]);
  const rows = new Map(commandRecordsOf(recorded.rows).map((row) => [row.id, row]));
  return changes.map((change) => rows.get(change.id) ?? null);
}

const recordSql = `
with r as (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::float8[], $9::text[], $10::text[])
    as t (id, attempt_id, state, external_id, message_id, refunded, failures, delay_ms, error_code, error_text)
),
changed as (
  update sender_commands c set state = r.state,
    external_ids = case when r.external_id is null then c.external_ids else c.external_ids || r.external_id end,
    message_ids = case when r.external_id is null then c.message_ids else c.message_ids || r.message_id end,
    attempts = c.attempts - r.refunded, failures = r.failures,
    first_failed_at = case when r.failures > 0 then coalesce(c.first_failed_at, now()) end,
    next_attempt_at = case when r.delay_ms > 0 then now() + r.delay_ms * interval '1 ms' end,
    attempt_id = null, attempt_deadline = null, error_code = r.error_code, error_text = r.error_text,
    finished_at = case when r.state <> 'queued' then now() end
  from r where c.id = r.id and (r.attempt_id is null and c.state = 'queued' or c.state = 'sending' and c.attempt_id = r.attempt_id)
  returning ${commandRecordColumns("c")}
),
receipts as (
  insert into sender_outbox (command_id, kind, subject)
  select id, 'final', ${receiptSubjectSql} from changed where state <> 'queued'
)
select ${commandRecordColumns()}, case when state <> 'queued' then pg_notify('${channels.outbox}', '')::text end from changed`;
