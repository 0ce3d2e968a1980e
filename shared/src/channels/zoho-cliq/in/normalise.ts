// A Cliq event as one Message, or why it is none. Every id comes from the event's own data, so a repeat of the event gives
// the same ids, and each edit, each delete and each interaction is an event of its own.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Attachment, Attachment_Kind, AttachmentSchema } from "@mio/proto/gen/mio/v1/attachment_pb.ts";
import { ConversationKind, PeerKind } from "@mio/proto/gen/mio/v1/enums_pb.ts";
import type { Interaction } from "@mio/proto/gen/mio/v1/interaction_pb.ts";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { conversationDisplayName, repliedTo } from "../../../attributes.ts";
import { schemaVersion } from "../../../bus/wire/envelope.ts";
import { conversationIdOf, messageIdOf, type SourceMessageId, uuidV5 } from "../../../ids.ts";
import type { InboundAccount } from "../../contract/account.ts";
import type { Normalised } from "../../contract/inbound.ts";
import { zohoCliqChannel } from "../channel.ts";
import { canonicalMessageId, epochMsOfMessageId, sourceMessageIdText } from "../source-id.ts";
import { interactionOf } from "./interaction.ts";
import type { CliqChat, CliqFile, CliqPayload, CliqUser } from "./payload.ts";

const { attributes: names } = zohoCliqChannel;

/** Namespace of ids that we derive where Cliq gives none. Never change it: repeats would become new messages. */
const derivedIdNamespace = "0f0b8a3e-6f0c-5f0e-9d57-6a2f6c1b7a11";

/** Operations of the participation handler that say nothing a person wrote. */
const silentOperations = [
  "added",
  "removed",
  "auto_followed_thread",
  "added_in_thread",
  "removed_from_thread",
  "thread_closed",
  "thread_reopened",
];
const silentHandlers = ["context", "incoming_webhook", "welcome", "alert"];

export function normalisePayload(payload: CliqPayload, account: InboundAccount): Normalised {
  const happened = happenedIn(payload);
  if (happened.kind === "ignored" || happened.kind === "malformed") return happened;
  if (payload.user && isSelf(payload.user, account)) return { kind: "ignored", reason: "own_message" };
  if (payload.user && isBot(payload.user)) return { kind: "ignored", reason: "bot_message" };
  if (!payload.chat) return malformed("no_chat");
  if (!payload.user && happened.kind !== "delete") return malformed("no_user");
  switch (happened.kind) {
    case "interaction":
      return interaction(payload, payload.chat, account);
    case "message":
      return newMessage(payload, payload.chat, account);
    case "edit":
    case "delete":
      return change(happened.kind, payload, payload.chat, account);
  }
}

type Happened = { kind: "message" | "edit" | "delete" | "interaction" } | { kind: "ignored" | "malformed"; reason: string };

function happenedIn({ operation, handler }: CliqPayload): Happened {
  switch (operation) {
    case "message_sent":
    case "message":
      return { kind: "message" };
    case "message_edited":
      return { kind: "edit" };
    case "message_deleted":
      return { kind: "delete" };
    case undefined:
      break;
    default:
      return { kind: "ignored", reason: silentOperations.includes(operation) ? `operation_${operation}` : "operation_unknown" };
  }
  const handlerName = handler?.replace(/_handler$/, "");
  switch (handlerName) {
    case "message":
    case "mention":
      return { kind: "message" };
    case "execution":
    case "button":
    case "form":
    case "menu":
      return { kind: "interaction" };
    case undefined:
      return { kind: "malformed", reason: "no_operation" };
    default:
      return { kind: "ignored", reason: silentHandlers.includes(handlerName) ? `handler_${handlerName}` : "handler_unknown" };
  }
}

function newMessage(payload: CliqPayload, chat: CliqChat, account: InboundAccount): Normalised {
  const { message, user } = payload;
  if (!message) return malformed("no_message");
  // A native DM has no message id. User, chat, time and content are in the event itself, so its repeat derives the same id;
  // without a time two equal texts could not be told apart, and one of them would be lost as a duplicate.
  if (message.id === undefined && payload.timeMs === undefined) return malformed("no_message_id_and_no_time");
  const id =
    message.id ?? derivedId(["message", user?.id, chat.id, payload.timeMs, message.text, message.files.map((file) => file.name)]);
  return event(payload, chat, account, {
    sourceMessageId: sourceMessageIdText(chat.id, id),
    // History knows the id but not the webhook's own time, so the id decides the day where it can.
    atMs: epochMsOfMessageId(id) ?? payload.timeMs,
    fields: {
      text: message.text,
      attachments: message.files.map(attachmentOf),
      ...(message.repliedToId && { relation: relationTo(MessageRelation_Kind.REPLY, message.repliedToId, chat, account) }),
    },
  });
}

function change(kind: "edit" | "delete", payload: CliqPayload, chat: CliqChat, account: InboundAccount): Normalised {
  const { message } = payload;
  if (message?.id === undefined) return malformed("no_message_id");
  if (kind === "edit" && payload.timeMs === undefined) return malformed("no_edit_time");
  const target = sourceMessageIdText(chat.id, message.id);
  return event(payload, chat, account, {
    // An edit keeps its message's id and has a time of its own; a message is deleted once.
    sourceMessageId: kind === "edit" ? `${target}:edit:${payload.timeMs}` : `${target}:delete`,
    atMs: payload.timeMs,
    fields: {
      ...(kind === "edit" && { text: message.text, attachments: message.files.map(attachmentOf) }),
      relation: relationTo(kind === "edit" ? MessageRelation_Kind.EDIT : MessageRelation_Kind.DELETE, message.id, chat, account),
    },
  });
}

function interaction(payload: CliqPayload, chat: CliqChat, account: InboundAccount): Normalised {
  const { interaction, text } = interactionOf(payload);
  if (payload.timeMs === undefined) return malformed("no_interaction_time");
  const id = derivedId([
    "interaction",
    payload.user?.id,
    chat.id,
    payload.timeMs,
    interaction.kind,
    interaction.key,
    payload.arguments,
  ]);
  return event(payload, chat, account, {
    sourceMessageId: `${chat.id}:${id}`,
    atMs: payload.timeMs,
    fields: { text, interaction },
  });
}

interface EventParts {
  sourceMessageId: string;
  atMs: number | undefined;
  fields: { text?: string; attachments?: Attachment[]; relation?: ReturnType<typeof relationTo>; interaction?: Interaction };
}

function event(payload: CliqPayload, chat: CliqChat, account: InboundAccount, parts: EventParts): Normalised {
  const { user } = payload;
  const message = create(MessageSchema, {
    ...parts.fields,
    id: messageIdOf(account.accountId, parts.sourceMessageId as SourceMessageId),
    schemaVersion,
    tenantId: account.tenantId,
    accountId: account.accountId,
    channelType: account.channelType,
    conversationId: conversationIdOf(account.accountId, chat.id),
    conversationExternalId: chat.id,
    conversationKind: conversationKindOf(chat, payload.channelName),
    sourceMessageId: parts.sourceMessageId,
    attributes: attributesOf(payload, chat),
    ...(user && { sender: { externalId: user.id, displayName: displayNameOf(user), peerKind: PeerKind.DIRECT } }),
    ...(parts.atMs !== undefined && { sentAt: timestampFromMs(parts.atMs) }),
  });
  return {
    kind: "messages",
    events: [{ message, eventDay: parts.atMs === undefined ? "" : new Date(parts.atMs).toISOString().slice(0, 10) }],
  };
}

function attributesOf(payload: CliqPayload, chat: CliqChat): Record<string, string> {
  const { message } = payload;
  const mentions = message?.mentions ?? [];
  const attributes: Record<string, string> = {
    [names.channelName]: payload.channelName,
    [names.orgId]: payload.organizationId,
    [conversationDisplayName]: chat.title ?? "",
    [repliedTo]: message?.repliedToId === undefined ? "" : canonicalMessageId(message.repliedToId),
    [names.mentions]: mentions.length === 0 ? "" : JSON.stringify(mentions),
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ""));
}

function relationTo(kind: MessageRelation_Kind, messageId: string, chat: CliqChat, account: InboundAccount) {
  const target = sourceMessageIdText(chat.id, messageId) as SourceMessageId;
  return { kind, targetMessageId: messageIdOf(account.accountId, target), targetExternalId: canonicalMessageId(messageId) };
}

/** Cliq does not say whether a channel is private; it is called public as other readers of these streams know it. */
function conversationKindOf(chat: CliqChat, channelName: string): ConversationKind {
  if (chat.is_dm || /-B\d$/.test(chat.id) || chat.type === "bot") return ConversationKind.DM;
  // A thread is a chat of its own with its own id, `CT_…-T-…`.
  if (/-T-/.test(chat.id)) return ConversationKind.THREAD;
  if (chat.type === "channel" || chat.chat_type === "channel" || channelName !== "") return ConversationKind.CHANNEL_PUBLIC;
  return ConversationKind.UNSPECIFIED;
}

/** Settings that name ourselves: `bot_id`, `bot_unique_name`, and `self_ids`, a list with commas. */
function isSelf(user: CliqUser, { settings }: InboundAccount): boolean {
  const own = [settings.bot_id, settings.bot_unique_name, ...(settings.self_ids ?? "").split(",")].map((name) => name?.trim());
  return [user.id, user.zoho_user_id, user.name, user.unique_name].some((name) => name && own.includes(name));
}

/** Cliq has no flag for bots: their ids begin with `b-` where they are mentioned, and a relay script may say `is_bot`. */
function isBot(user: CliqUser): boolean {
  return user.is_bot === true || user.type === "bot" || user.id.startsWith("b-");
}

function displayNameOf(user: CliqUser): string {
  return user.name || [user.first_name, user.last_name].filter(Boolean).join(" ");
}

function attachmentOf(file: CliqFile): Attachment {
  const mime = file.type ?? "";
  const kinds = { image: Attachment_Kind.IMAGE, audio: Attachment_Kind.AUDIO, video: Attachment_Kind.VIDEO };
  const kind = Object.entries(kinds).find(([family]) => mime.startsWith(`${family}/`))?.[1] ?? Attachment_Kind.FILE;
  return create(AttachmentSchema, {
    kind,
    url: file.url ?? "",
    mime,
    filename: file.name ?? "",
    bytes: BigInt(file.dimensions?.size ?? 0),
  });
}

function derivedId(parts: readonly unknown[]): string {
  return `derived-${uuidV5(derivedIdNamespace, JSON.stringify(parts))}`;
}

function malformed(reason: string): Normalised {
  return { kind: "malformed", reason };
}
