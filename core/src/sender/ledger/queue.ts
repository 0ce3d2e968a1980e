// What the schedule knows of the ledger: the open commands without their content, in stream order. Times come as milliseconds from now by
// the database's clock, so that no clock of ours is compared with it.
import { subjectStart } from "@mio/shared/bus/names/subjects.ts";
import type { Pool } from "pg";
import * as v from "valibot";
import { channels } from "../lease/wake.ts";
import { type CommandRecord, commandRecordColumns, commandRecordsOf } from "./command-record.ts";

export interface OpenCommand {
  id: string;
  accountId: string;
  channelType: string;
  conversationId: string;
  place: LanePlace;
  state: "queued" | "sending";
  editOf: string;
  cancelOf: string;
  /** Until `not_before` and the next attempt; 0 when due. */
  waitMs: number;
  /** Until it expires; undefined when never, or when a part of it has been sent and the rest must follow. */
  expiresInMs: number | undefined;
  /** Of a `sending` row: until its call has certainly ended. Negative when that was so already. */
  attemptEndsInMs: number;
}

/** The order of a lane. */
export interface LanePlace {
  streamEpoch: number;
  streamSequence: number;
}

export const beforeAll: LanePlace = { streamEpoch: 0, streamSequence: 0 };

const openRow = v.object({
  id: v.string(),
  account_id: v.string(),
  channel_type: v.string(),
  conversation_id: v.string(),
  stream_epoch: v.number(),
  stream_sequence: v.string(),
  state: v.picklist(["queued", "sending"]),
  edit_of: v.string(),
  cancel_of: v.string(),
  wait_ms: v.number(),
  expires_in_ms: v.nullable(v.number()),
  attempt_ends_in_ms: v.number(),
});

const columns = `id, account_id, channel_type, conversation_id, stream_epoch, stream_sequence, state, edit_of, cancel_of,
  greatest(0, coalesce(extract(epoch from greatest(not_before, next_attempt_at) - now()) * 1000, 0))::float8 as wait_ms,
  case when cardinality(external_ids) = 0 then (extract(epoch from expires_at - now()) * 1000)::float8 end as expires_in_ms,
  coalesce(extract(epoch from attempt_deadline - now()) * 1000, 0)::float8 as attempt_ends_in_ms`;

/** Open commands after a place, over all accounts. Intake inserts in stream order, so what is read once need not be read again. */
export async function openCommandsAfter(db: Pool, after: LanePlace, limit: number): Promise<OpenCommand[]> {
  const found = await db.query(
    `select ${columns} from sender_commands
     where state in ('queued', 'sending') and (stream_epoch, stream_sequence) > ($1::int, $2::bigint)
     order by stream_epoch, stream_sequence limit $3`,
    [after.streamEpoch, after.streamSequence, limit],
  );
  return v.parse(v.array(openRow), found.rows).map(openCommand);
}

/** The same for one lane; commands that cancel do not wait in lanes. */
export async function openCommandsOfLane(
  db: Pool,
  lane: { accountId: string; conversationId: string },
  after: LanePlace,
  limit: number,
): Promise<OpenCommand[]> {
  const found = await db.query(
    `select ${columns} from sender_commands
     where account_id = $1 and conversation_id = $2 and state in ('queued', 'sending') and cancel_of = ''
       and (stream_epoch, stream_sequence) > ($3::int, $4::bigint)
     order by stream_epoch, stream_sequence limit $5`,
    [lane.accountId, lane.conversationId, after.streamEpoch, after.streamSequence, limit],
  );
  return v.parse(v.array(openRow), found.rows).map(openCommand);
}

/** One command again, or undefined once it has ended. */
export async function openCommandOf(db: Pool, id: string): Promise<OpenCommand | undefined> {
  const found = await db.query(`select ${columns} from sender_commands where id = $1 and state in ('queued', 'sending')`, [id]);
  return v.parse(v.array(openRow), found.rows).map(openCommand)[0];
}

function openCommand(row: v.InferOutput<typeof openRow>): OpenCommand {
  return {
    id: row.id,
    accountId: row.account_id,
    channelType: row.channel_type,
    conversationId: row.conversation_id,
    place: { streamEpoch: row.stream_epoch, streamSequence: Number(row.stream_sequence) },
    state: row.state,
    editOf: row.edit_of,
    cancelOf: row.cancel_of,
    waitMs: row.wait_ms,
    expiresInMs: row.expires_in_ms ?? undefined,
    attemptEndsInMs: row.attempt_ends_in_ms,
  };
}

/** The subject that subjects.ts builds; only the database knows the scopes here. */
export const receiptSubjectSql = `'${subjectStart("receipt")}' || channel_type || '.' || account_id || '.' || conversation_id`;

/** Ends what has expired, wherever it stands in its lane; returns what it ended. */
export async function expireCommands(db: Pool, limit: number): Promise<CommandRecord[]> {
  const expired = await db.query(
    `with due as (
       select id from sender_commands where state = 'queued' and expires_at <= now() and cardinality(external_ids) = 0
       order by expires_at limit $1 for update skip locked
     ), changed as (
       update sender_commands c set state = 'expired', finished_at = now(), error_code = 'expired', error_text = 'expires_at has passed'
       from due where c.id = due.id returning ${commandRecordColumns("c")}
     ), receipts as (
       insert into sender_outbox (command_id, kind, subject) select id, 'final', ${receiptSubjectSql} from changed
     )
     select ${commandRecordColumns()}, pg_notify('${channels.outbox}', '')::text from changed`,
    [limit],
  );
  return commandRecordsOf(expired.rows);
}

/**
 * Carries out a command that cancels another of its account: possible while nothing of the other has been sent. Both ends get their
 * receipts in the same statement. Returns what it ended: the command itself, and the other when it was cancelled.
 */
export async function cancelCommand(db: Pool, id: string): Promise<CommandRecord[]> {
  const done = await db.query(
    `with command as (select id, account_id, cancel_of from sender_commands where id = $1 and state = 'queued' for update),
     target as (
       update sender_commands t set state = 'cancelled', finished_at = now(), error_code = 'cancelled',
         error_text = 'cancelled by command ' || command.id
       from command where t.id = command.cancel_of and t.account_id = command.account_id
         and t.state = 'queued' and t.cancel_of = '' and cardinality(t.external_ids) = 0
       returning ${commandRecordColumns("t")}
     ), ended as (
       update sender_commands c set finished_at = now(),
         state = case when exists (select from target) then 'sent' else 'failed' end,
         error_code = case when exists (select from target) then '' else 'not_cancellable' end,
         error_text = case when exists (select from target) then '' else 'the command to cancel is ' || coalesce(
           (select state from sender_commands t where t.id = c.cancel_of and t.account_id = c.account_id), 'not known') end
       from command where c.id = command.id
       returning ${commandRecordColumns("c")}
     ), both_ends as (select * from target union all select * from ended),
     receipts as (insert into sender_outbox (command_id, kind, subject) select id, 'final', ${receiptSubjectSql} from both_ends)
     select ${commandRecordColumns()}, pg_notify('${channels.outbox}', '')::text from both_ends`,
    [id],
  );
  return commandRecordsOf(done.rows);
}
