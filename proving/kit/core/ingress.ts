// Ingress groups as the edge writes them, and the inbound stream as a consumer sees it, for the tests of dedup and media-vault.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Message, MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { messageOf, type StoredMessage } from "@mio/shared/bus/client/jetstream-api.ts";
import { ingressSubject, subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { decodeMessage, encodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { encodeIngressEvent, encodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import {
  type AccountId,
  accountIdOf,
  conversationIdOf,
  messageIdOf,
  partitionOf,
  type SourceMessageId,
  tenantIdOf,
} from "@mio/shared/ids.ts";
import type { NatsConnection } from "../bus/client.ts";

export const tenantId = tenantIdOf("acme");
export const accountId = accountIdOf(tenantId, "alpha", "T1");
const shards = 2;

export interface TestEvent {
  conversation: string;
  source: string;
  account?: AccountId;
  eventDay?: string;
  /** Which edge brought it. */
  edge?: string;
}

export function testMessage({ conversation, source, account = accountId, edge }: TestEvent): Message {
  const sourceMessageId = source as SourceMessageId;
  return create(MessageSchema, {
    id: messageIdOf(account, sourceMessageId),
    schemaVersion: 1,
    tenantId,
    accountId: account,
    channelType: "alpha",
    conversationId: conversationIdOf(account, conversation),
    conversationExternalId: conversation,
    sourceMessageId: source,
    sender: { externalId: "U1" },
    text: source,
    receivedAt: timestampFromMs(Date.now()),
    ...(edge === undefined ? {} : { edge: { region: edge } }),
  });
}

export function inboundSubjectOf(conversation: string, account = accountId): string {
  return subjectOf({
    direction: "inbound",
    channelType: "alpha",
    accountId: account,
    conversationId: conversationIdOf(account, conversation),
  });
}

/** One encoded event; `change` may spoil it. */
export function testEvent(
  event: TestEvent,
  change: (fields: Parameters<typeof encodeIngressEvent>[0]) => void = () => {},
): Uint8Array {
  const message = testMessage(event);
  const fields: Parameters<typeof encodeIngressEvent>[0] = {
    subject: inboundSubjectOf(event.conversation, event.account),
    tenantId,
    accountId: message.accountId,
    channelType: "alpha",
    conversationId: message.conversationId,
    conversationExternalId: event.conversation,
    senderExternalId: "U1",
    sourceMessageId: event.source,
    messageId: message.id,
    eventDay: event.eventDay ?? "2026-11-20",
    receivedAt: timestampFromMs(Date.now()),
    body: { case: "message", value: encodeMessage(message) },
  };
  change(fields);
  return encodeIngressEvent(fields);
}

export function shardOf(conversation: string, account = accountId): number {
  return partitionOf(conversationIdOf(account, conversation), shards);
}

export function testGroup(shard: number, events: Uint8Array[], rest: { spooled?: boolean; region?: string } = {}): Uint8Array {
  return encodeIngressGroup({
    id: crypto.randomUUID(),
    region: rest.region ?? "local",
    shard,
    spooled: rest.spooled ?? false,
    events,
  });
}

/** Publishes one group of events of one shard. */
export async function sendGroup(
  nats: NatsConnection,
  shard: number,
  events: Uint8Array[],
  rest: { spooled?: boolean } = {},
): Promise<number> {
  const ack = await nats.jetstream().publish(ingressSubject("local", shard), testGroup(shard, events, rest));
  return ack.seq;
}

/** Each event as a group of its own. */
export async function sendEvents(nats: NatsConnection, events: readonly TestEvent[]): Promise<void> {
  for (const event of events) await sendGroup(nats, shardOf(event.conversation, event.account), [testEvent(event)]);
}

/** Everything that stands on a stream under a filter, in order. */
export async function storedOn(bus: Bus, stream: string, filter: string): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (let seq = 1; ; ) {
    const found = await messageOf(bus, stream, { seq, next_by_subj: filter }, 5_000);
    if (!found) return all;
    all.push(found);
    seq = found.sequence + 1;
  }
}

/** The source ids of a conversation's messages on a stream of messages, in order. */
export async function sourcesOn(bus: Bus, stream: string, filter: string): Promise<string[]> {
  return (await storedOn(bus, stream, filter)).map((stored) => {
    const decoded = decodeMessage(stored.data);
    return decoded.kind === "message" ? decoded.message.sourceMessageId : decoded.kind;
  });
}
