// One handling of one message: what a handler is given beside the message. It counts the commands that the handler makes, for their ids
// are computed from that count: a handler must make its commands in the same order whenever it handles the same message.
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { type Content, editCommand, replyCommand } from "./command.ts";
import { publishCommand } from "./publish-command.ts";

export interface Handling {
  /** 1 at the first try. */
  attempt: number;
  /** Aborted when the consumer stops or has lost this conversation to another replica. */
  signal: AbortSignal;
  /** Answers in the message's conversation. Resolves once the bus has the command; a receipt tells what became of it. */
  reply(content: Content): Promise<SendCommand>;
  /** Replaces what an earlier command of this or another handling said. */
  edit(editOf: SendCommand, content: Content): Promise<SendCommand>;
}

/** Thrown by a handler that knows that trying again is useless: the message is parked as a dead letter and its lane goes on. */
export class ParkMessage extends Error {
  override readonly name = "ParkMessage";
}

export function handlingOf(bus: Bus, group: string, message: Message, attempt: number, signal: AbortSignal): Handling {
  let made = 0;
  const publish = async (command: SendCommand) => {
    await publishCommand(bus, command, signal);
    return command;
  };
  return {
    attempt,
    signal,
    reply: (content) => publish(replyCommand(group, message, made++, content)),
    edit: (editOf, content) => publish(editCommand(group, message, made++, editOf, content)),
  };
}
