// Each event of a webhook becomes a message, in the webhook's order. Kinds that we do not know and what bots say are left out.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Attachment_Kind, AttachmentSchema } from "@mio/proto/gen/mio/v1/attachment_pb.ts";
import { ConversationKind, PeerKind } from "@mio/proto/gen/mio/v1/enums_pb.ts";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { MessageRelation_Kind, MessageRelationSchema } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { schemaVersion } from "../../../bus/wire/envelope.ts";
import { conversationIdOf, messageIdOf } from "../../../ids.ts";
import type { InboundAccount } from "../../contract/account.ts";
import type { InboundEvent, Normalised } from "../../contract/inbound.ts";
import { testChannel } from "../channel.ts";
import { sourceIdOf } from "../source-id.ts";
import { parseWebhook, type TestEvent } from "./payload.ts";

export function normaliseWebhook(body: unknown, account: InboundAccount): Normalised {
  const webhook = parseWebhook(body);
  if (!webhook) return { kind: "malformed", reason: "webhook" };
  const own = account.settings.bot_id;
  const events = webhook.events
    .filter((event) => !event.bot && event.user !== own)
    .map((event) => eventOf(event, account))
    .filter((event) => event !== undefined);
  return events.length > 0 ? { kind: "messages", events } : { kind: "ignored", reason: "nothing_of_interest" };
}

function eventOf(event: TestEvent, account: InboundAccount): InboundEvent | undefined {
  const happened = happenedIn(event);
  if (!happened) return undefined;
  const { accountId } = account;
  const message = create(MessageSchema, {
    id: messageIdOf(accountId, happened.sourceMessageId),
    schemaVersion,
    tenantId: account.tenantId,
    accountId,
    channelType: testChannel.slug,
    conversationId: conversationIdOf(accountId, event.conversation),
    conversationExternalId: event.conversation,
    conversationKind: ConversationKind.CHANNEL_PUBLIC,
    sourceMessageId: happened.sourceMessageId,
    sender: { externalId: event.user, displayName: event.user, peerKind: PeerKind.DIRECT },
    text: event.text.toWellFormed(),
    sentAt: timestampFromMs(event.at_ms),
  });
  if (event.thread !== undefined) message.threadRootMessageId = messageIdOf(accountId, sourceIdOf(event.thread));
  if (happened.target !== undefined) {
    const target = sourceIdOf(happened.target);
    message.relation = create(MessageRelationSchema, {
      kind: happened.relation,
      targetMessageId: messageIdOf(accountId, target),
      targetExternalId: target,
    });
  }
  if (event.file) {
    const { url, name, mime, bytes } = event.file;
    message.attachments = [
      create(AttachmentSchema, { kind: Attachment_Kind.FILE, url, filename: name, mime, bytes: BigInt(bytes) }),
    ];
  }
  return { message, eventDay: new Date(event.at_ms).toISOString().slice(0, 10) };
}

/** What an event is called and what it is about; undefined for a kind that we do not know. */
function happenedIn(event: TestEvent) {
  switch (event.kind) {
    case "message":
      return { sourceMessageId: sourceIdOf(event.id), relation: MessageRelation_Kind.REPLY, target: event.reply_to };
    case "edit": {
      const sourceMessageId = sourceIdOf(`${event.id}:edit:${event.at_ms}:${event.version}`);
      return { sourceMessageId, relation: MessageRelation_Kind.EDIT, target: event.id };
    }
    case "delete":
      return { sourceMessageId: sourceIdOf(`${event.id}:delete`), relation: MessageRelation_Kind.DELETE, target: event.id };
    default:
      return undefined;
  }
}
