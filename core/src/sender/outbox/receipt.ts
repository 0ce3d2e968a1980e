// A fact of the ledger as its DeliveryReceipt. The same row gives the same receipt, however often it is published.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type DeliveryReceipt, DeliveryReceipt_State, DeliveryReceiptSchema } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { decodeCommand, schemaVersion } from "@mio/shared/bus/wire/envelope.ts";

interface LedgerFact {
  kind: "accepted" | "final";
  commandId: string;
  tenantId: string;
  accountId: string;
  channelType: string;
  conversationId: string;
  conversationExternalId: string;
  state: string;
  /** Of an accepted command. */
  content: Uint8Array | undefined;
  externalIds: string[];
  messageIds: string[];
  attempts: number;
  errorCode: string;
  errorText: string;
  causeMessageId: string;
  traceparent: string;
  decidedAt: Date;
}

const states: Readonly<Record<string, DeliveryReceipt_State>> = {
  sent: DeliveryReceipt_State.SENT,
  failed: DeliveryReceipt_State.FAILED,
  expired: DeliveryReceipt_State.EXPIRED,
  cancelled: DeliveryReceipt_State.CANCELLED,
  unknown: DeliveryReceipt_State.UNKNOWN,
};

/** `Nats-Msg-Id`, and the receipt's own id. */
export function receiptId(fact: Pick<LedgerFact, "kind" | "commandId" | "state">): string {
  return `rcp:${fact.commandId}:${fact.kind === "accepted" ? "accepted" : fact.state}`;
}

/** Throws for a final fact of a command that has not ended: that would be a fault of the ledger. */
export function receiptOf(fact: LedgerFact): DeliveryReceipt {
  const common = {
    id: receiptId(fact),
    schemaVersion,
    commandId: fact.commandId,
    tenantId: fact.tenantId,
    accountId: fact.accountId,
    channelType: fact.channelType,
    conversationId: fact.conversationId,
    conversationExternalId: fact.conversationExternalId,
    createdAt: timestampFromDate(fact.decidedAt),
    causeMessageId: fact.causeMessageId,
    traceparent: fact.traceparent,
  };
  if (fact.kind === "accepted") {
    const decoded = fact.content === undefined ? undefined : decodeCommand(fact.content);
    const command = decoded?.kind === "command" ? { command: decoded.command } : {};
    return create(DeliveryReceiptSchema, { ...common, state: DeliveryReceipt_State.ACCEPTED, final: false, ...command });
  }
  const state = states[fact.state];
  if (state === undefined) throw new Error(`command ${fact.commandId} has a final receipt and is ${fact.state}`);
  const { externalIds, messageIds, attempts, errorCode, errorText } = fact;
  return create(DeliveryReceiptSchema, {
    ...common,
    state,
    externalIds,
    messageIds,
    attempts,
    errorCode,
    errorText,
    final: true,
  });
}
