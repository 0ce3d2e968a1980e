// A command as its row says it after a statement has changed it: what the log line and the counters of that change are made of.
import * as v from "valibot";
import { traceIdOf } from "../../process/log.ts";

export interface Handled {
  id: string;
  state: string;
  errorCode: string;
  channelType: string;
  accountId: string;
  conversationId: string;
  causeMessageId: string;
  traceparent: string;
}

const handledRow = v.object({
  id: v.string(),
  state: v.string(),
  error_code: v.string(),
  channel_type: v.string(),
  account_id: v.string(),
  conversation_id: v.string(),
  cause_message_id: v.string(),
  traceparent: v.string(),
});

const names = Object.keys(handledRow.entries);

/** The columns of `sender_commands` that a statement returns for `handledOf`, of the table or alias when given. */
export function handledColumns(table?: string): string {
  return names.map((name) => (table === undefined ? name : `${table}.${name}`)).join(", ");
}

/** Throws when the rows lack a column of `handledColumns`. */
export function handledOf(rows: unknown[]): Handled[] {
  return v.parse(v.array(handledRow), rows).map((row) => ({
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
export function logFieldsOf(handled: Handled): Record<string, string | undefined> {
  return {
    command_id: handled.id,
    channel_type: handled.channelType,
    account_id: handled.accountId,
    conversation_id: handled.conversationId,
    cause_message_id: handled.causeMessageId || undefined,
    trace_id: traceIdOf(handled.traceparent),
    state: handled.state,
    error_code: handled.errorCode || undefined,
  };
}
