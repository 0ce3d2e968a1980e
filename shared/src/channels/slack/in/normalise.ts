// A Slack payload as messages of mio.v1, or why it is none. Everything is computed from the event itself, so a retry, the
// app_mention twin and history give the same ids and the same day.

import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { PeerKind } from "@mio/proto/gen/mio/v1/enums_pb.ts";
import { type Message, MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { type MessageRelation, MessageRelation_Kind, MessageRelationSchema } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { type Sender, SenderSchema } from "@mio/proto/gen/mio/v1/sender_pb.ts";
import { schemaVersion } from "../../../bus/wire/envelope.ts";
import { conversationIdOf, messageIdOf, type SourceMessageId } from "../../../ids.ts";
import type { InboundAccount } from "../../contract/account.ts";
import type { Normalised } from "../../contract/inbound.ts";
import { slackChannel } from "../channel.ts";
import {
  actionSourceId,
  commandSourceId,
  deleteSourceId,
  editSourceId,
  messageSourceId,
  reactionSourceId,
  tombstoneSourceId,
} from "../source-id.ts";
import { attachmentsOf } from "./attachments.ts";
import { conversationKindOf } from "./conversation-kind.ts";
import { authorGuard, isOwnUser } from "./echo-guard.ts";
import { actionInteraction, commandInteraction } from "./interaction.ts";
import type {
  BlockActions,
  ChangedEvent,
  DeletedEvent,
  MessageEvent,
  ReactionEvent,
  SlackMessage,
  SlackPayload,
  SlashCommand,
} from "./payload.ts";
import { dayOf, timeOfTs } from "./timestamp.ts";

const { attributes: names } = slackChannel;

/** Subtypes of messages that somebody wrote; all others are Slack's own notices. */
const writtenSubtypes: readonly string[] = ["thread_broadcast", "file_share", "me_message", "bot_message"];

export function normalisePayload({ workspaces, content }: SlackPayload, account: InboundAccount): Normalised {
  // One signing secret serves every workspace of an app, so the signature alone does not say whose event it is.
  if (workspaces.length > 0 && !workspaces.includes(account.externalId)) return malformed("workspace_mismatch");
  switch (content.kind) {
    case "message":
      return posted(content.event, account);
    case "changed":
      return changed(content.event, account);
    case "deleted":
      return deleted(content.event, account);
    case "reaction":
      return reacted(content.event, account);
    case "block_actions":
      return pressed(content.interaction, account);
    case "command":
      return commanded(content.command, account);
    case "url_verification":
    case "ssl_check":
      return { kind: "ignored", reason: content.kind };
    case "other":
      return { kind: "ignored", reason: content.reason };
    case "malformed":
      return content;
  }
}

function posted(event: MessageEvent, account: InboundAccount): Normalised {
  const subtype = event.subtype ?? "";
  if (subtype !== "" && !writtenSubtypes.includes(subtype)) return { kind: "ignored", reason: "message_subtype" };
  const guarded = authorGuard(event, account);
  if (guarded) return guarded;
  const root = rootTsOf(event);
  return message(account, {
    channel: event.channel,
    channelType: event.channel_type,
    sourceMessageId: messageSourceId(event.channel, event.ts),
    ts: event.ts,
    eventTs: event.ts,
    author: event,
    content: event,
    root,
    relation: root === undefined ? undefined : { kind: MessageRelation_Kind.REPLY, ts: root },
  });
}

/** An edit has a new `edited`. Without one it is Slack's own doing (a link unfolded, a reply counted), unless the text changed. */
function changed(event: ChangedEvent, account: InboundAccount): Normalised {
  const { message: now, previous_message: before } = event;
  const about = { channel: event.channel, channelType: event.channel_type, ts: now.ts, root: rootTsOf(now) };
  if (now.subtype === "tombstone") {
    const author = before ?? now;
    const guarded = authorGuard(author, account);
    if (guarded) return guarded;
    const sourceMessageId = tombstoneSourceId(event.channel, now.ts);
    const relation = { kind: MessageRelation_Kind.DELETE, ts: now.ts };
    return message(account, { ...about, sourceMessageId, eventTs: event.ts, author, content: undefined, relation });
  }
  const guarded = authorGuard(now, account);
  if (guarded) return guarded;
  const editedTs = now.edited?.ts;
  const sameText = before !== undefined && before !== null && (before.text ?? "") === (now.text ?? "");
  const edited = editedTs !== undefined && editedTs !== before?.edited?.ts;
  if (!edited && (sameText || !before)) return { kind: "ignored", reason: "not_an_edit" };
  const eventTs = edited ? editedTs : event.ts;
  return message(account, {
    ...about,
    sourceMessageId: editSourceId(event.channel, now.ts, eventTs, now.text ?? ""),
    eventTs,
    author: now,
    content: now,
    relation: { kind: MessageRelation_Kind.EDIT, ts: now.ts },
  });
}

function deleted(event: DeletedEvent, account: InboundAccount): Normalised {
  const before = event.previous_message ?? undefined;
  const guarded = before && authorGuard(before, account);
  if (guarded) return guarded;
  return message(account, {
    channel: event.channel,
    channelType: event.channel_type,
    sourceMessageId: deleteSourceId(event.channel, event.deleted_ts),
    ts: event.deleted_ts,
    eventTs: event.ts,
    author: before,
    content: undefined,
    root: before && rootTsOf(before),
    relation: { kind: MessageRelation_Kind.DELETE, ts: event.deleted_ts },
  });
}

/** A reaction carries no thread and no sort of channel. */
function reacted(event: ReactionEvent, account: InboundAccount): Normalised {
  const { channel, ts } = event.item;
  if (event.item.type !== "message") return { kind: "ignored", reason: "reaction_item" };
  if (!channel || !ts) return malformed("event_item");
  if (isOwnUser(event.user, account)) return { kind: "ignored", reason: "own_event" };
  const { user, reaction, event_ts: eventTs } = event;
  const removed = event.type === "reaction_removed";
  return message(account, {
    channel,
    channelType: undefined,
    sourceMessageId: reactionSourceId(channel, ts, { user, reaction, removed, eventTs }),
    ts,
    eventTs,
    author: { user },
    content: undefined,
    root: undefined,
    relation: { kind: MessageRelation_Kind.REACTION, ts, reactionEmoji: reaction, removed },
  });
}

function pressed(interaction: BlockActions, account: InboundAccount): Normalised {
  const { container, actions, user } = interaction;
  const channel = container.channel_id ?? interaction.channel?.id;
  const ts = container.message_ts;
  if (container.type !== "message" || !channel || !ts) return { kind: "ignored", reason: "interaction_container" };
  if (isOwnUser(user.id, account)) return { kind: "ignored", reason: "own_event" };
  const events = actions.map((action) =>
    message(account, {
      channel,
      channelType: interaction.channel?.name,
      sourceMessageId: actionSourceId(channel, ts, user.id, action.action_id, action.action_ts),
      ts,
      eventTs: action.action_ts,
      author: { user: user.id, username: user.username ?? user.name },
      content: undefined,
      root: rootTsOf({ ts, thread_ts: container.thread_ts ?? interaction.message?.thread_ts }),
      relation: { kind: MessageRelation_Kind.UNSPECIFIED, ts },
      interaction: actionInteraction(action, interaction.response_url ?? ""),
    }),
  );
  const failed = events.find((each) => each.kind !== "messages");
  if (failed) return failed;
  return events.length === 0
    ? { kind: "ignored", reason: "interaction_empty" }
    : { kind: "messages", events: events.flatMap((each) => (each.kind === "messages" ? each.events : [])) };
}

/** Slack gives a command no time, so its event_day is empty. */
function commanded(command: SlashCommand, account: InboundAccount): Normalised {
  if (isOwnUser(command.user_id, account)) return { kind: "ignored", reason: "own_event" };
  return message(account, {
    channel: command.channel_id,
    channelType: command.channel_name,
    sourceMessageId: commandSourceId(command.channel_id, command.trigger_id),
    ts: undefined,
    eventTs: undefined,
    author: { user: command.user_id, username: command.user_name },
    content: { text: command.text },
    root: undefined,
    relation: undefined,
    interaction: commandInteraction(command),
  });
}

interface Happened {
  channel: string;
  /** `channel_type` of an event, or the name by which interactions and commands give away what sort of place it is. */
  channelType: string | null | undefined;
  sourceMessageId: SourceMessageId;
  /** Of the message that this is, or is about. */
  ts: string | undefined;
  /** The platform's own time of the event. */
  eventTs: string | undefined;
  author: Partial<SlackMessage> | undefined;
  content: Pick<SlackMessage, "text" | "files"> | undefined;
  root: string | undefined;
  relation: { kind: MessageRelation_Kind; ts: string; reactionEmoji?: string; removed?: boolean } | undefined;
  interaction?: Message["interaction"];
}

function message(account: InboundAccount, happened: Happened): Normalised {
  const { channel, ts, eventTs, root, relation } = happened;
  for (const each of [ts, root, relation?.ts]) if (each !== undefined && !timeOfTs(each)) return malformed("ts");
  const time = eventTs === undefined ? undefined : timeOfTs(eventTs);
  if (eventTs !== undefined && !time) return malformed("event_ts");
  const idOf = (target: string) => messageIdOf(account.accountId, messageSourceId(channel, target));

  const envelope = create(MessageSchema, {
    id: messageIdOf(account.accountId, happened.sourceMessageId),
    schemaVersion,
    tenantId: account.tenantId,
    accountId: account.accountId,
    channelType: account.channelType,
    conversationId: conversationIdOf(account.accountId, channel),
    conversationExternalId: channel,
    conversationKind: conversationKindOf(channel, happened.channelType ?? undefined),
    sourceMessageId: happened.sourceMessageId,
    threadRootMessageId: root === undefined ? "" : idOf(root),
    sender: senderOf(happened.author),
    text: happened.content?.text ?? "",
    attachments: attachmentsOf(happened.content?.files ?? []),
    attributes: {
      [names.channel]: channel,
      [names.teamId]: account.externalId,
      ...(ts === undefined ? {} : { [names.ts]: ts }),
      ...(root === undefined ? {} : { [names.threadTs]: root }),
    },
  });
  if (relation) envelope.relation = relationOf(relation, idOf(relation.ts));
  if (time) envelope.sentAt = create(TimestampSchema, time);
  if (happened.interaction) envelope.interaction = happened.interaction;
  return { kind: "messages", events: [{ message: envelope, eventDay: time ? dayOf(time) : "" }] };
}

function relationOf(relation: NonNullable<Happened["relation"]>, targetMessageId: string): MessageRelation {
  const { kind, ts, reactionEmoji = "", removed = false } = relation;
  return create(MessageRelationSchema, { kind, targetMessageId, targetExternalId: ts, reactionEmoji, removed });
}

function senderOf(author: Partial<SlackMessage> | undefined): Sender {
  const names = [
    author?.user_profile?.display_name,
    author?.user_profile?.real_name,
    author?.username,
    author?.bot_profile?.name,
  ];
  return create(SenderSchema, {
    externalId: author?.user ?? author?.bot_id ?? "",
    displayName: names.find((name) => name !== undefined && name !== null && name !== "") ?? "",
    peerKind: PeerKind.DIRECT,
    isBot: Boolean(author?.bot_id),
  });
}

/** A message is a reply iff its `thread_ts` differs from its own: the first of a thread has both alike once it was answered. */
function rootTsOf({ ts, thread_ts: threadTs }: { ts: string; thread_ts?: string | null | undefined }): string | undefined {
  return threadTs && threadTs !== ts ? threadTs : undefined;
}

function malformed(reason: string): Normalised {
  return { kind: "malformed", reason };
}
