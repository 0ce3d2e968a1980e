// Puts a command on the bus and waits until the stream has it. Publishing one twice is harmless: the ledger knows its id.
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { publishAcked } from "@mio/shared/bus/client/jetstream-api.ts";
import { outboundMessageId } from "@mio/shared/bus/names/headers.ts";
import { subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { encodeCommand } from "@mio/shared/bus/wire/envelope.ts";
import type { AccountId, ConversationId } from "@mio/shared/ids.ts";

const requestTimeoutMs = 5_000;
/** Long enough for a restart of the bus; after it the handler fails and the message is handled again. */
const deadlineMs = 60_000;
const retryAfterMs = 250;

/** Rejects when the stream has not taken the command within a minute (bus away, stream full) or `signal` is aborted. */
export async function publishCommand(bus: Bus, command: SendCommand, signal: AbortSignal): Promise<void> {
  const subject = subjectOf({
    direction: "outbound",
    channelType: command.channelType,
    accountId: command.accountId as AccountId,
    conversationId: command.conversationId as ConversationId,
    ...(command.editOfMessageId === "" ? {} : { messageId: command.editOfMessageId }),
  });
  const data = encodeCommand(command);
  const giveUpAtMs = bus.clock.monotonicMs() + deadlineMs;
  for (;;) {
    const refusal = await attempt();
    if (refusal === undefined) return;
    if (bus.clock.monotonicMs() > giveUpAtMs)
      throw new Error(`command ${command.id} was not taken by the bus`, { cause: refusal });
    await bus.clock.sleep(retryAfterMs * (0.5 + bus.random.next()), signal);
  }

  /** Undefined once stored. A timeout may hide a success; the message id makes the repeat harmless. */
  async function attempt(): Promise<unknown> {
    try {
      const ack = await publishAcked(bus, subject, data, {
        timeoutMs: requestTimeoutMs,
        messageId: outboundMessageId(command.id),
      });
      return ack.kind === "refused" ? new Error(`${ack.description} (${ack.code})`) : undefined;
    } catch (error) {
      return error;
    }
  }
}
