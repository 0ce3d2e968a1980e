// A connection of an agent to the bus: consume, await a receipt, close. The connection heals by itself; what was being handled when
// it broke is handled again.

import type { DeliveryReceipt } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { tcpClient } from "@mio/shared/bus/client/tcp.ts";
import { busUserOf, inboxPrefixOf } from "@mio/shared/bus/names/users.ts";
import { clockOf } from "@mio/shared/clock.ts";
import type { AccountId } from "@mio/shared/ids.ts";
import { randomOf } from "@mio/shared/random.ts";
import { type ConsumeOptions, consumeMessages } from "./consume.ts";
import type { Handling } from "./handling.ts";
import { type AwaitReceiptOptions, awaitFinalReceipt } from "./receipt.ts";

export interface ConnectOptions {
  /** Servers of the bus, such as `nats://127.0.0.1:4222`. */
  servers: string[];
  user?: string | undefined;
  password?: string | undefined;
  /** Name of the agent: replicas with the same name share the conversations. Its bus user is `agent-<group>`. */
  group: string;
  /** Ids of the accounts whose messages it handles. */
  accounts: string[];
}

export interface Connection extends AsyncDisposable {
  /**
   * Hands over each message of the accounts: one at a time and in order within a conversation, conversations side by side. A handler
   * that returns has finished; one that throws is called again after a pause, and other conversations do not wait for it.
   * Resolves when `signal` is aborted and all is given back.
   */
  consume(handler: (message: Message, handling: Handling) => Promise<void>, options: ConsumeOptions): Promise<void>;
  /** The final receipt of a command; rejects when there is none in time. */
  awaitReceipt(command: SendCommand, options?: AwaitReceiptOptions): Promise<DeliveryReceipt>;
  close(): Promise<void>;
}

/** Rejects when no server can be reached or the user is refused. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const inboxPrefix = inboxPrefixOf(busUserOf({ role: "agent", name: options.group, accounts: [] }));
  const nats = await tcpClient.connect({
    servers: options.servers,
    user: options.user,
    password: options.password,
    name: `agent-${options.group}`,
    inboxPrefix,
    reconnect: { jitterMs: 500 },
    pingIntervalMs: 10_000,
  });
  const { headers } = tcpClient;
  const bus: Bus = { connection: nats, headers, inboxPrefix, clock: clockOf(globalThis), random: randomOf(globalThis.crypto) };
  const accounts = options.accounts.map((id) => id as AccountId);
  const close = async () => {
    if (!nats.isClosed()) await nats.drain();
  };
  return {
    consume: (handler, consumeOptions) => consumeMessages(bus, options.group, accounts, handler, consumeOptions),
    awaitReceipt: (command, receiptOptions = {}) => awaitFinalReceipt(bus, command, receiptOptions),
    close,
    [Symbol.asyncDispose]: close,
  };
}
