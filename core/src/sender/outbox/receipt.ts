// A fact of the ledger as the DeliveryReceipt that tells it. The same row gives the same receipt, however often it is published.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type DeliveryReceipt, DeliveryReceipt_State, DeliveryReceiptSchema } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { decodeCommand, schemaVersion } from "@mio/shared/bus/wire/envelope.ts";

interface Told {
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
export function receiptId(told: Pick<Told, "kind" | "commandId" | "state">): string {
  return `rcp:${told.commandId}:${told.kind === "accepted" ? "accepted" : told.state}`;
}

/** Throws when a final fact is told of a command that has not ended: that would be a fault of the ledger. */
export function receiptOf(told: Told): DeliveryReceipt {
  const common = {
    id: receiptId(told),
    schemaVersion,
    commandId: told.commandId,
    tenantId: told.tenantId,
    accountId: told.accountId,
    channelType: told.channelType,
    conversationId: told.conversationId,
    conversationExternalId: told.conversationExternalId,
    createdAt: timestampFromDate(told.decidedAt),
    causeMessageId: told.causeMessageId,
    traceparent: told.traceparent,
  };
  if (told.kind === "accepted") {
    const decoded = told.content === undefined ? undefined : decodeCommand(told.content);
    const command = decoded?.kind === "command" ? { command: decoded.command } : {};
    return create(DeliveryReceiptSchema, { ...common, state: DeliveryReceipt_State.ACCEPTED, final: false, ...command });
  }
  const state = states[told.state];
  if (state === undefined) throw new Error(`command ${told.commandId} has a final receipt and is ${told.state}`);
  const { externalIds, messageIds, attempts, errorCode, errorText } = told;
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
