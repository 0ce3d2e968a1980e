// One Update becomes the events that it tells. Everything is computed from the body alone, so that a repeat of the webhook
// gives the same ids, the same day and the same text. A conversation is a chat: reactions carry no topic.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConversationKind, PeerKind } from "@mio/proto/gen/mio/v1/enums_pb.ts";
import { Interaction_Kind, InteractionSchema } from "@mio/proto/gen/mio/v1/interaction_pb.ts";
import { type Message, MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { MessageRelation_Kind, MessageRelationSchema } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { type Sender, SenderSchema } from "@mio/proto/gen/mio/v1/sender_pb.ts";
import { conversationDisplayName } from "../../../attributes.ts";
import { schemaVersion } from "../../../bus/wire/envelope.ts";
import { conversationIdOf, messageIdOf, type SourceMessageId } from "../../../ids.ts";
import type { InboundAccount } from "../../contract/account.ts";
import type { InboundEvent, Normalised } from "../../contract/inbound.ts";
import { telegramChannel } from "../channel.ts";
import { callbackSourceId, editSourceId, messageSourceId, reactionSourceId } from "../source-id.ts";
import { attachmentsOf } from "./attachments.ts";
import {
  otherContentKinds,
  parseUpdate,
  type TelegramCallbackQuery,
  type TelegramChat,
  type TelegramMessage,
  type TelegramReaction,
  type TelegramReactionType,
  type TelegramUser,
} from "./payload.ts";

const { attributes: names } = telegramChannel;

export function normaliseUpdate(body: Uint8Array<ArrayBuffer>, account: InboundAccount): Normalised {
  const update = parseUpdate(body);
  switch (update.kind) {
    case "message":
      return messageEvents(update.message, undefined, account);
    case "edit":
      return messageEvents(update.message, update.updateId, account);
    case "reaction":
      return reactionEvents(update.reaction, update.updateId, account);
    case "callback":
      return callbackEvents(update.query, account);
    case "uninteresting":
      return { kind: "ignored", reason: "update_kind" };
    case "malformed":
      return { kind: "malformed", reason: update.reason };
  }
}

/** `editedBy` is the update that told of an edit; a first posting has none. */
function messageEvents(message: TelegramMessage, editedBy: number | undefined, account: InboundAccount): Normalised {
  const guarded = guard(message.sender_chat ? undefined : message.from, account);
  if (guarded) return guarded;
  if (message.via_bot?.id === botIdOf(account)) return { kind: "ignored", reason: "via_own_bot" };

  const text = message.text ?? message.caption ?? message.sticker?.emoji ?? "";
  const attachments = attachmentsOf(message);
  const otherContent = otherContentKinds.find((kind) => message[kind] !== undefined);
  if (message.text === undefined && attachments.length === 0 && otherContent === undefined) {
    return { kind: "ignored", reason: "service_message" };
  }

  const own = messageSourceId(message.chat.id, message.message_id);
  const seconds = editedBy === undefined ? message.date : (message.edit_date ?? message.date);
  const event = eventOf(message.chat, senderOf(message.from, message.sender_chat, message.chat), seconds, account, {
    sourceMessageId: editedBy === undefined ? own : editSourceId(message.chat.id, message.message_id, seconds, editedBy),
    thread: message.message_thread_id,
  });
  event.message.text = text.toWellFormed();
  event.message.attachments = attachments;
  if (message.media_group_id !== undefined) event.message.attributes[names.mediaGroup] = message.media_group_id.toWellFormed();
  if (otherContent !== undefined) event.message.attributes[names.otherContent] = otherContent;
  const answered = answeredMessage(message);
  if (editedBy !== undefined) relate(event.message, MessageRelation_Kind.EDIT, own, account);
  else if (answered !== undefined) relate(event.message, MessageRelation_Kind.REPLY, answered, account);
  return { kind: "messages", events: [event] };
}

/** In a forum, Telegram shows every message of a topic as a reply to the message that opened it; that is no reply by a person. */
function answeredMessage(message: TelegramMessage): SourceMessageId | undefined {
  const target = message.reply_to_message;
  if (!target) return undefined;
  if (message.is_topic_message && target.message_id === message.message_thread_id) return undefined;
  return messageSourceId(target.chat.id, target.message_id);
}

/** Telegram tells the whole set before and after; each difference is an event of its own, removals first. */
function reactionEvents(reaction: TelegramReaction, updateId: number, account: InboundAccount): Normalised {
  const guarded = guard(reaction.user, account);
  if (guarded) return guarded;
  const before = new Set(reaction.old_reaction.map(emojiOf));
  const after = new Set(reaction.new_reaction.map(emojiOf));
  const changes = [
    ...[...before].filter((emoji) => !after.has(emoji)).map((emoji) => ({ emoji, removed: true })),
    ...[...after].filter((emoji) => !before.has(emoji)).map((emoji) => ({ emoji, removed: false })),
  ];
  if (changes.length === 0) return { kind: "ignored", reason: "reaction_unchanged" };
  const sender = senderOf(reaction.user, reaction.actor_chat, reaction.chat);
  const events = changes.map(({ emoji, removed }, index) => {
    const event = eventOf(reaction.chat, sender, reaction.date, account, {
      sourceMessageId: reactionSourceId(reaction.chat.id, reaction.message_id, updateId, index),
      thread: undefined,
    });
    const target = messageSourceId(reaction.chat.id, reaction.message_id);
    relate(event.message, MessageRelation_Kind.REACTION, target, account, { reactionEmoji: emoji, removed });
    return event;
  });
  return { kind: "messages", events };
}

function emojiOf(reaction: TelegramReactionType): string {
  if (reaction.type === "emoji") return (reaction.emoji ?? "").toWellFormed();
  if (reaction.type === "custom_emoji") return `custom_emoji:${reaction.custom_emoji_id ?? ""}`.toWellFormed();
  return reaction.type.toWellFormed();
}

/** A button press has no time of its own (its message's date is when we sent that), so the event is undated. */
function callbackEvents(query: TelegramCallbackQuery, account: InboundAccount): Normalised {
  const guarded = guard(query.from, account);
  if (guarded) return guarded;
  if (!query.message) return { kind: "ignored", reason: "callback_without_chat" };
  const { chat, message_id: messageId, message_thread_id: thread } = query.message;
  const event = eventOf(chat, senderOf(query.from, undefined, chat), undefined, account, {
    sourceMessageId: callbackSourceId(query.id),
    thread,
  });
  const key = (query.data ?? query.game_short_name ?? "").toWellFormed();
  event.message.interaction = create(InteractionSchema, { kind: Interaction_Kind.BUTTON, key, replyHandle: query.id });
  relate(event.message, MessageRelation_Kind.UNSPECIFIED, messageSourceId(chat.id, messageId), account);
  return { kind: "messages", events: [event] };
}

/** The loop guard: nothing that a bot, ourselves first, has done comes in. */
function guard(actor: TelegramUser | undefined, account: InboundAccount): Normalised | undefined {
  if (actor?.id === botIdOf(account)) return { kind: "ignored", reason: "own_event" };
  if (actor?.is_bot) return { kind: "ignored", reason: "bot_event" };
  return undefined;
}

function botIdOf(account: InboundAccount): string {
  return account.settings.bot_id ?? account.externalId;
}

/** A chat that speaks (channel post, anonymous admin) stands for whoever wrote: `from` is then one of Telegram's stand-in users. */
function senderOf(user: TelegramUser | undefined, speaker: TelegramChat | undefined, chat: TelegramChat): Sender {
  if (user && !speaker)
    return create(SenderSchema, { externalId: user.id, displayName: nameOf(user), peerKind: PeerKind.DIRECT });
  const group = speaker ?? chat;
  return create(SenderSchema, { externalId: group.id, displayName: nameOf(group), peerKind: PeerKind.GROUP });
}

function nameOf(party: TelegramUser | TelegramChat): string {
  const person = [party.first_name, party.last_name].filter((part) => part).join(" ");
  return ("title" in party && party.title ? party.title : person || (party.username ?? "")).toWellFormed();
}

function eventOf(
  chat: TelegramChat,
  sender: Sender,
  atSeconds: number | undefined,
  account: InboundAccount,
  event: { sourceMessageId: SourceMessageId; thread: number | undefined },
): InboundEvent {
  const message = create(MessageSchema, {
    id: messageIdOf(account.accountId, event.sourceMessageId),
    schemaVersion,
    tenantId: account.tenantId,
    accountId: account.accountId,
    channelType: telegramChannel.slug,
    conversationId: conversationIdOf(account.accountId, chat.id),
    conversationExternalId: chat.id,
    conversationKind: kindOf(chat),
    sourceMessageId: event.sourceMessageId,
    sender,
    attributes: { [conversationDisplayName]: nameOf(chat) },
  });
  if (event.thread !== undefined) {
    // A topic has the number of the message that opened it.
    message.threadRootMessageId = messageIdOf(account.accountId, messageSourceId(chat.id, event.thread));
    message.attributes[names.thread] = String(event.thread);
  }
  if (atSeconds === undefined) return { message, eventDay: "" };
  message.sentAt = timestampFromMs(atSeconds * 1000);
  return { message, eventDay: new Date(atSeconds * 1000).toISOString().slice(0, 10) };
}

function kindOf(chat: TelegramChat): ConversationKind {
  switch (chat.type) {
    case "private":
      return ConversationKind.DM;
    case "group":
      return ConversationKind.GROUP_DM;
    case "supergroup":
      return chat.username ? ConversationKind.CHANNEL_PUBLIC : ConversationKind.CHANNEL_PRIVATE;
    case "channel":
      return ConversationKind.BROADCAST;
    default:
      return ConversationKind.UNSPECIFIED;
  }
}

function relate(
  message: Message,
  kind: MessageRelation_Kind,
  target: SourceMessageId,
  account: InboundAccount,
  reaction: { reactionEmoji: string; removed: boolean } = { reactionEmoji: "", removed: false },
): void {
  const targetMessageId = messageIdOf(account.accountId, target);
  message.relation = create(MessageRelationSchema, { kind, targetMessageId, targetExternalId: target, ...reaction });
}
