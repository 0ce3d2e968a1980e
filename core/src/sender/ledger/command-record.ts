// The columns of a command's row that a statement returns when it has changed it: what that change's log line and counters are made of.

import { traceIdOf } from "@mio/shared/bus/names/trace.ts";
import * as v from "valibot";

export interface CommandRecord {
  id: string;
  state: string;
  errorCode: string;
  channelType: string;
  accountId: string;
  conversationId: string;
  causeMessageId: string;
  traceparent: string;
}

const commandRecordRow = v.object({
  id: v.string(),
  state: v.string(),
  error_code: v.string(),
  channel_type: v.string(),
  account_id: v.string(),
  conversation_id: v.string(),
  cause_message_id: v.string(),
  traceparent: v.string(),
});

const names = Object.keys(commandRecordRow.entries);

/** The columns of `sender_commands` that a statement returns for `handledOf`, of the table or alias when given. */
export function commandRecordColumns(table?: string): string {
  return names.map((name) => (table === undefined ? name : `${table}.${name}`)).join(", ");
}

/** Throws when the rows lack a column of `handledColumns`. */
export function commandRecordsOf(rows: unknown[]): CommandRecord[] {
  return v.parse(v.array(commandRecordRow), rows).map((row) => ({
    id: row.id,
    state: row.state,
    errorCode: row.error_code,
    channelType: row.channel_type,
    accountId: row.account_id,
    conversationId: row.conversation_id,
    causeMessageId: row.cause_message_id,
    traceparent: row.traceparent,
  }));
}

/** Ids and codes only; never a text. What is empty is left out. */
export function logFieldsOf(record: CommandRecord): Record<string, string | undefined> {
  return {
    command_id: record.id,
    channel_type: record.channelType,
    account_id: record.accountId,
    conversation_id: record.conversationId,
    cause_message_id: record.causeMessageId || undefined,
    trace_id: traceIdOf(record.traceparent),
    state: record.state,
    error_code: record.errorCode || undefined,
  };
}
