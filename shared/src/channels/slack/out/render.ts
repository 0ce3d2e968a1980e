// A command as calls of Slack's Web API, planned without any I/O. Text is mrkdwn already and goes out as it is.
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import * as v from "valibot";
import { type AccountId, messageIdOf } from "../../../ids.ts";
import type { EditTarget, Plan, PlannedCall } from "../../contract/outbound.ts";
import { splitText } from "../../kit/split-text.ts";
import { refuseUnsupported, rejected } from "../../kit/text-command.ts";
import { slackChannel } from "../channel.ts";
import { messageSourceId, tsOfSourceId } from "../source-id.ts";

/** What `deliver` needs; the ledger keeps it as JSON between the two. */
export const sendPayload = v.object({
  channel: v.string(),
  text: v.string(),
  /** Empty: into the channel itself. */
  thread_ts: v.string(),
  command_id: v.string(),
  /** Counts the messages of one command, from 0. */
  part: v.number(),
});
export const editPayload = v.object({ channel: v.string(), ts: v.string(), text: v.string() });

/** An edit that is longer than one message changes the message to its first part and sends the rest after it. */
export function planCalls(command: SendCommand, editTarget: EditTarget | undefined): Plan {
  const channel = command.conversationExternalId;
  const refusal = refuseUnsupported(slackChannel, command, editTarget);
  if (refusal) return refusal;
  const [first, ...others] = splitText(command.text.toWellFormed(), slackChannel.limits.textLengthMax);
  if (first === undefined) return rejected("text_empty", "there is no text to send");
  const ts = editTarget && tsOfSourceId(channel, editTarget.externalId);
  if (editTarget && ts === undefined) return rejected("edit_target_malformed", "the message to edit is not named by a Slack ts");

  const thread_ts = threadOf(command);
  const send = (text: string, part: number): PlannedCall => ({
    action: "send",
    payload: { channel, text, thread_ts, command_id: command.id, part },
  });
  const opening: PlannedCall = ts === undefined ? send(first, 0) : { action: "edit", payload: { channel, ts, text: first } };
  return { kind: "calls", calls: [opening, ...others.map((text, index) => send(text, index + 1))] };
}

/**
 * `ts` of the thread to write into; empty for the channel itself. An answer goes into a thread when what it answers was in one:
 * the message's attributes, which an agent copies, then name it. A command that only knows the thread's Message id is served
 * when one of the messages that it names is that first message.
 */
function threadOf(command: SendCommand): string {
  const channel = command.conversationExternalId;
  const named = tsOfSourceId(channel, command.attributes[slackChannel.attributes.threadTs] ?? "");
  if (named !== undefined) return named;
  if (command.threadRootMessageId === "") return "";
  const candidates = [command.relation?.targetExternalId ?? "", command.attributes[slackChannel.attributes.ts] ?? ""];
  for (const candidate of candidates) {
    const ts = tsOfSourceId(channel, candidate);
    if (ts === undefined) continue;
    if (messageIdOf(command.accountId as AccountId, messageSourceId(channel, ts)) === command.threadRootMessageId) return ts;
  }
  return "";
}
