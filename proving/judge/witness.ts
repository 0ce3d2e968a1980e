// Reads what stands on the bus with the operator's credentials and by the streams' own sequences, so that no consumer of the system is in
// the way of what is judged.

import type { DeliveryReceipt } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { decodeMessage, decodeReceipt } from "@mio/shared/bus/wire/envelope.ts";
import type { JsMsg, NatsConnection } from "../kit/bus/client.ts";
import { connectTo } from "../kit/bus/connection.ts";
import type { Seen } from "./check.ts";

export interface BusAccess {
  url: string;
  user: string;
  password: string;
  inboxPrefix: string;
}

/** A connection that stays through outages of the bus. */
export function connectOperator(bus: BusAccess): Promise<NatsConnection> {
  return connectTo(bus.url, {
    user: bus.user,
    pass: bus.password,
    inboxPrefix: bus.inboxPrefix,
    name: "faults-operator",
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 200,
    waitOnFirstConnect: true,
  });
}

/** One stream, read on from where the last look ended. */
export class StreamWitness {
  readonly stream: string;
  readonly #nats: NatsConnection;
  readonly #seen: Seen[] = [];
  #next = 1;

  constructor(nats: NatsConnection, stream: string) {
    this.#nats = nats;
    this.stream = stream;
  }

  /** Everything so far, in the order of the stream. */
  async look(): Promise<readonly Seen[]> {
    this.#next = await readFrom(this.#nats, this.stream, this.#next, (message) => {
      const decoded = decodeMessage(message.data);
      const sequence = message.seq;
      if (decoded.kind === "message") {
        const { text, accountId, conversationExternalId, sourceMessageId } = decoded.message;
        this.#seen.push({ sequence, text, accountId, conversationExternalId, sourceMessageId });
      } else {
        const nobody = { accountId: "", conversationExternalId: "" };
        this.#seen.push({ sequence, text: decoded.kind, ...nobody, sourceMessageId: String(sequence) });
      }
    });
    return this.#seen;
  }
}

/** Every receipt, in the order of the stream. Throws for one that cannot be decoded: core never writes such. */
export async function readReceipts(nats: NatsConnection): Promise<DeliveryReceipt[]> {
  const receipts: DeliveryReceipt[] = [];
  await readFrom(nats, streams.receipt.name, 1, (message) => {
    const decoded = decodeReceipt(message.data);
    if (decoded.kind !== "receipt") throw new Error(`the receipt at ${message.seq} is ${decoded.kind}`);
    receipts.push(decoded.receipt);
  });
  return receipts;
}

/** How many messages a stream holds. */
export async function messageCount(nats: NatsConnection, stream: string): Promise<number> {
  const jsm = await nats.jetstreamManager();
  return (await jsm.streams.info(stream)).state.messages;
}

/** Calls `take` for each message from `start` to the present end, and gives the sequence after it. */
async function readFrom(nats: NatsConnection, stream: string, start: number, take: (message: JsMsg) => void): Promise<number> {
  const jsm = await nats.jetstreamManager();
  const { last_seq: last, messages } = (await jsm.streams.info(stream)).state;
  if (messages === 0 || last < start) return Math.max(start, last + 1);
  const consumer = await nats.jetstream().consumers.get(stream, { opt_start_seq: start });
  const incoming = await consumer.consume({ max_messages: 1_000 });
  try {
    for await (const message of incoming) {
      take(message);
      if (message.seq >= last) break;
    }
  } finally {
    await incoming.close();
    await consumer.delete().catch(() => false);
  }
  return last + 1;
}
