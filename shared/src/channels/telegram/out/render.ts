// A command as calls of the Bot API, planned without I/O. Text goes out as it is, without parse_mode, so that nothing that an
// agent writes can be refused as bad markup.

import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { EditTarget, Plan, PlannedCall } from "../../contract/outbound.ts";
import { splitText } from "../../kit/split-text.ts";
import { refuseUnsupported, rejected } from "../../kit/text-command.ts";
import { telegramChannel } from "../channel.ts";
import { messageOfSourceId, messageSourceId } from "../source-id.ts";

/** A chat's id, or a public channel's name. */
const chatPattern = /^(-?\d{1,16}|@[A-Za-z0-9_]{1,64})$/;

/** An edit that is longer than one message changes the message to its first part and sends the rest after it. */
export function planCalls(command: SendCommand, editTarget: EditTarget | undefined): Plan {
  const refusal = refuseUnsupported(telegramChannel, command, editTarget);
  if (refusal) return refusal;
  const chatId = command.conversationExternalId;
  if (!chatPattern.test(chatId)) return rejected("conversation_malformed", "conversation_external_id is not a Telegram chat id");
  const [first, ...more] = splitText(command.text, telegramChannel.limits.textLengthMax);
  if (first === undefined) return rejected("text_empty", "there is no text to send");

  const edited = editTarget && messageOfTarget(chatId, editTarget);
  if (editTarget && !edited)
    return rejected("edit_target_malformed", "the message to edit is not named by a Telegram message id");

  const thread = threadOf(command);
  const opening: PlannedCall = edited
    ? { action: "edit", payload: { ...edited, text: first } }
    : { action: "send", payload: { chat_id: chatId, text: first, ...thread, ...replyOf(command) } };
  const following = more.map((text): PlannedCall => ({ action: "send", payload: { chat_id: chatId, text, ...thread } }));
  return { kind: "calls", calls: [opening, ...following] };
}

/** The target is a message id, or `<chat>:<message>` when the sender knows the event or the chat's id has changed since. */
function messageOfTarget(chatId: string, target: EditTarget) {
  const named = messageOfSourceId(target.externalId) ?? messageOfSourceId(messageSourceId(chatId, target.externalId));
  return named && { chat_id: named.chatId, message_id: Number(named.messageId) };
}

/** A question that was deleted meanwhile must not cost its answer: then it goes out as a plain message. */
function replyOf(command: SendCommand) {
  if (command.relation?.kind !== MessageRelation_Kind.REPLY) return {};
  const target = messageOfSourceId(command.relation.targetExternalId);
  if (!target || target.chatId !== command.conversationExternalId) return {};
  return { reply_parameters: { message_id: Number(target.messageId), allow_sending_without_reply: true } };
}

function threadOf(command: SendCommand) {
  const thread = command.attributes[telegramChannel.attributes.thread] ?? "";
  return /^\d{1,15}$/.test(thread) ? { message_thread_id: Number(thread) } : {};
}
