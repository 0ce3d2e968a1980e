// Commands as an agent makes them: pure. The id of each is computed from the message that it answers, so that an agent which
// crashes after its send and handles the message again makes the same commands, and nothing appears twice (G6).
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { MessageRelation_Kind, MessageRelationSchema } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { type SendCommand, SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { schemaVersion } from "@mio/shared/bus/wire/envelope.ts";
import { commandIdOf, type MessageId } from "@mio/shared/ids.ts";

/** What an agent says. */
export interface Content {
  text: string;
  /** Not sent any more from this time on, in milliseconds since 1970; the command then ends as expired. */
  expiresAtMs?: number;
}

/** Answers `message` in its conversation, in its thread if it stands in one. `index` counts the commands of one handling from 0. */
export function replyCommand(group: string, message: Message, index: number, content: Content): SendCommand {
  const command = commandFor(group, message, index, content);
  command.relation = create(MessageRelationSchema, {
    kind: MessageRelation_Kind.REPLY,
    targetMessageId: message.id,
    targetExternalId: message.sourceMessageId,
  });
  return command;
}

/** Replaces the text of what an earlier command sent, be it sent already or not. */
export function editCommand(group: string, message: Message, index: number, editOf: SendCommand, content: Content): SendCommand {
  const command = commandFor(group, message, index, content);
  command.editOfMessageId = editOf.id;
  return command;
}

function commandFor(group: string, message: Message, index: number, content: Content): SendCommand {
  const receivedAtMs = message.receivedAt ? timestampMs(message.receivedAt) : 0;
  return create(SendCommandSchema, {
    id: commandIdOf(group, message.id as MessageId, receivedAtMs, index),
    schemaVersion,
    tenantId: message.tenantId,
    accountId: message.accountId,
    channelType: message.channelType,
    conversationId: message.conversationId,
    conversationExternalId: message.conversationExternalId,
    parentConversationId: message.parentConversationId,
    threadRootMessageId: message.threadRootMessageId,
    text: content.text,
    // Where a channel needs more than the ids (a thread's own time stamp), it stands in the attributes of the message.
    attributes: { ...message.attributes },
    causeMessageId: message.id,
    ...(content.expiresAtMs === undefined ? {} : { expiresAt: timestampFromMs(content.expiresAtMs) }),
  });
}
