// What became of a command: its final receipt, read from the conversation's receipts.
import type { DeliveryReceipt } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { Bus } from "@mio/shared/bus/connection.ts";
import { decodeReceipt } from "@mio/shared/bus/envelope.ts";
import { openLogSource } from "@mio/shared/bus/log-source.ts";
import { streams } from "@mio/shared/bus/streams.ts";
import { subjectOf } from "@mio/shared/bus/subjects.ts";
import type { AccountId, ConversationId } from "@mio/shared/ids.ts";

/** Also finds a receipt that was written before the call. Rejects after `timeoutMs`. */
export async function awaitFinalReceipt(bus: Bus, command: SendCommand, timeoutMs: number): Promise<DeliveryReceipt> {
  const filter = subjectOf({
    direction: "receipt",
    channelType: command.channelType,
    accountId: command.accountId as AccountId,
    conversationId: command.conversationId as ConversationId,
  });
  const source = openLogSource(bus, { stream: streams.receipt.name, filter, from: 1 });
  const found = new AbortController();
  const timeout = bus.clock.sleep(timeoutMs, found.signal).then(
    () => source.close(),
    () => {},
  );
  try {
    do {
      for (let event = source.take(); event !== undefined; event = source.take()) {
        if (event.kind !== "record") continue;
        const decoded = decodeReceipt(event.record.data);
        if (decoded.kind === "receipt" && decoded.receipt.commandId === command.id && decoded.receipt.final)
          return decoded.receipt;
      }
    } while (await source.readable());
    throw new Error(`command ${command.id} has no final receipt after ${timeoutMs} ms; it may still be waiting for its turn`);
  } finally {
    found.abort();
    await timeout;
    await source.close();
  }
}
