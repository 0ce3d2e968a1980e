// A normalised event as it travels to core. Whoever feeds the ingress (the edge, a replay from quarantine) makes the same bytes of the
// same event here, so that dedup knows a repeat whichever way it came.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { InboundAccount, InboundEvent } from "../channels/contract.ts";
import type { ConversationId } from "../ids.ts";
import { disagreementWithSubject, encodeMessage } from "./envelope.ts";
import { encodeIngressEvent } from "./ingress-group.ts";
import { subjectOf } from "./subjects.ts";

/** How the request came in. */
export interface Arrival {
  receivedAtMs: number;
  /** Of the edge that received it. */
  region: string;
  /** W3C trace context; empty when there is none. */
  traceparent: string;
}

/**
 * An encoded IngressEvent; sets `received_at` and `edge` of the message. Undefined when what the door made is not this account's, or
 * cannot be told on the bus.
 */
export function inboundEventBytes(
  account: InboundAccount,
  { message, eventDay }: InboundEvent,
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
