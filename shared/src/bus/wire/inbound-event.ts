// A normalised event as it travels to core. Whoever feeds the ingress (the edge, a replay from quarantine) makes the same bytes of the
// same event here, so that dedup knows a repeat whichever way it came.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { AccountId, ConversationId, TenantId } from "../../ids.ts";
import { subjectOf } from "../names/subjects.ts";
import { disagreementWithSubject, encodeMessage } from "./envelope.ts";
import { encodeIngressEvent } from "./ingress-group.ts";

/** Whose event it is. */
export interface Owner {
  tenantId: TenantId;
  accountId: AccountId;
  channelType: string;
}

/** What a door makes of an event. */
export interface DoorEvent {
  message: Message;
  /** UTC day (YYYY-MM-DD) of the platform's own time for it; empty when it gives none. */
  eventDay: string;
}

/** How the request came in. */
export interface Arrival {
  receivedAtMs: number;
  /** Of the edge that received it. */
  region: string;
  /** W3C trace context; empty when there is none. */
  traceparent: string;
}

/** What an index of Postgres takes with room to spare; platforms' ids have at most a few hundred bytes. */
const sourceMessageIdBytesMax = 1_024;

/** Why an event cannot be keyed by this id, to stand behind "its source_message_id"; undefined when it can. */
export function sourceMessageIdFault(id: string): string | undefined {
  if (id === "" || id.includes("\0")) return "is empty or holds a NUL";
  return new TextEncoder().encode(id).length > sourceMessageIdBytesMax
    ? `is longer than ${sourceMessageIdBytesMax} bytes`
    : undefined;
}

/**
 * An encoded IngressEvent; sets `received_at` and `edge` of the message. Undefined when what the door made is not this account's, or
 * cannot be published on the bus, or keyed by dedup.
 */
export function inboundEventBytes(
  account: Owner,
  { message, eventDay }: DoorEvent,
  arrival: Arrival,
): Uint8Array<ArrayBuffer> | undefined {
  const { tenantId, accountId, channelType } = account;
  const receivedAt = timestampFromMs(arrival.receivedAtMs);
  message.receivedAt = receivedAt;
  message.edge = { $typeName: "mio.v1.EdgeInfo", region: arrival.region, receivedAt, spooled: false };
  try {
    const conversationId = message.conversationId as ConversationId;
    const subject = subjectOf({ direction: "inbound", channelType, accountId, conversationId });
    if (disagreementWithSubject(message, subject) !== undefined || message.tenantId !== tenantId) return undefined;
    if (sourceMessageIdFault(message.sourceMessageId) !== undefined) return undefined;
    return encodeIngressEvent({
      subject,
      tenantId,
      accountId,
      channelType,
      conversationId: message.conversationId,
      conversationExternalId: message.conversationExternalId,
      senderExternalId: message.sender?.externalId ?? "",
      sourceMessageId: message.sourceMessageId,
      messageId: message.id,
      eventDay,
      traceparent: arrival.traceparent,
      receivedAt,
      body: { case: "message", value: encodeMessage(message) },
    });
  } catch {
    return undefined;
  }
}
