// What became of a command: its final receipt, read from the conversation's receipts.
import type { DeliveryReceipt } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { type LogRecord, openLogSource } from "@mio/shared/bus/read/log-source.ts";
import { decodeReceipt, disagreementWithSubject } from "@mio/shared/bus/wire/envelope.ts";
import type { AccountId, ConversationId } from "@mio/shared/ids.ts";

export interface AwaitReceiptOptions {
  /** 60,000 when left out. */
  timeoutMs?: number;
  /** A receipt that cannot be read was passed over, or reading has to begin again: for logs. */
  onTrouble?: (error: unknown) => void;
}

const timeoutDefaultMs = 60_000;

/** Also finds a receipt that was written before the call. Rejects after `timeoutMs`. */
export async function awaitFinalReceipt(bus: Bus, command: SendCommand, options: AwaitReceiptOptions): Promise<DeliveryReceipt> {
  const { timeoutMs = timeoutDefaultMs, onTrouble = () => {} } = options;
  const filter = subjectOf({
    direction: "receipt",
    channelType: command.channelType,
    accountId: command.accountId as AccountId,
    conversationId: command.conversationId as ConversationId,
  });
  const source = openLogSource(bus, { stream: streams.receipt.name, filter, from: 1, onTrouble });
  const found = new AbortController();
  const timeout = bus.clock.sleep(timeoutMs, found.signal).then(
    () => source.close(),
    () => {},
  );
  try {
    do {
      for (let event = source.take(); event !== undefined; event = source.take()) {
        if (event.kind !== "record") continue;
        const receipt = readable(event.record);
        if (receipt?.commandId === command.id && receipt.final) return receipt;
      }
    } while (await source.readable());
    throw new Error(`command ${command.id} has no final receipt after ${timeoutMs} ms; it may still be waiting for its turn`);
  } finally {
    found.abort();
    await timeout;
    await source.close();
  }

  /** What cannot be read, or stands where it does not belong, is told and passed over. */
  function readable(record: LogRecord): DeliveryReceipt | undefined {
    const decoded = decodeReceipt(record.data);
    const fault = decoded.kind === "receipt" ? disagreementWithSubject(decoded.receipt, record.subject) : decoded.kind;
    if (decoded.kind === "receipt" && fault === undefined) return decoded.receipt;
    onTrouble(new Error(`passed over the receipt at sequence ${record.sequence}: ${fault}`));
    return undefined;
  }
}
