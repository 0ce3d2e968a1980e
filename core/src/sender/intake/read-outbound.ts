// The outbound work queue read into memory, in stream order and each message once. A durable consumer reorders on takeover and after lost deliveries:
// so reading begins with a new one, a hole in its deliveries ends it, and all that is left comes once more, in order.
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { createDurable, deleteDurable, durableOf, nanosecondsPerMs } from "@mio/shared/bus/client/stream-admin.ts";
import { messageIdHeader, traceparentHeader } from "@mio/shared/bus/names/headers.ts";
import { senderDurable, streams } from "@mio/shared/bus/names/streams.ts";
import { type Pulled, pull } from "@mio/shared/bus/read/pull.ts";
import { createNotifier, type Notifier } from "../lease/wake.ts";
import type { Incoming } from "./intake-row.ts";

export interface Read {
  incoming: Incoming;
  /** So many sequences before it left the stream unread. */
  lostBefore: number;
  acknowledge(): void;
}

export interface OutboundReader {
  /** What comes next, as soon as there is something; nothing once reading has ended and everything was taken. */
  next(): Promise<readonly Read[]>;
  /** Everything up to here is in the ledger: what is delivered again is only acknowledged. */
  written(position: number): void;
  /** Rejects with what ended the reading before. */
  end(): Promise<void>;
}

/** Bounds what is in memory: messages that were delivered and are not yet in the ledger. */
const ackPendingMax = 256;
const readBytesMax = 8 * 1024 * 1024;
const ackWaitMs = 30_000;
const fetchMs = 5_000;
const stream = streams.outbound.name;

interface Reading {
  bus: Bus;
  buffer: Read[];
  notifier: Notifier;
  over: AbortSignal;
  /** Up to here it is in the ledger, up to there in the buffer. */
  position: number;
  highest: number;
}

/** Reads on after `position` until the signal is aborted; nobody else may. */
export async function readOutbound(bus: Bus, position: number, signal: AbortSignal): Promise<OutboundReader> {
  await recreateDurable(bus);
  const ended = new AbortController();
  const over = AbortSignal.any([signal, ended.signal]);
  const reading: Reading = { bus, buffer: [], notifier: createNotifier(), over, position, highest: position };
  const running = readAll(reading).finally(() => {
    ended.abort();
    reading.notifier.notify();
  });
  // Who writes meanwhile hears of it at the end. Until then nobody listens, and the process must not end for that.
  running.catch(() => {});
  return {
    async next() {
      // Also after a stop: what is in hand is written, if we still may.
      while (reading.buffer.length === 0 && !over.aborted) await reading.notifier.wait(fetchMs, over);
      return takeReads(reading.buffer);
    },
    written(upTo) {
      reading.position = upTo;
    },
    end() {
      ended.abort();
      return running;
    },
  };
}

async function recreateDurable(bus: Bus): Promise<void> {
  await deleteDurable(bus, stream, senderDurable.name);
  await createDurable(bus, stream, {
    durable_name: senderDurable.name,
    ack_policy: "explicit",
    deliver_policy: "all",
    filter_subject: senderDurable.filterSubject,
    ack_wait: ackWaitMs * nanosecondsPerMs,
    max_ack_pending: ackPendingMax,
    max_deliver: -1,
  });
}

async function readAll(reading: Reading): Promise<void> {
  const { bus, over } = reading;
  let deliveries = 0;
  while (!over.aborted) {
    const before = deliveries;
    const options = { messagesMax: ackPendingMax, expiresMs: fetchMs, signal: over };
    for await (const pulled of pull(bus, stream, senderDurable.name, options)) {
      deliveries += 1;
      if (pulled.delivery !== deliveries) throw new Error("a delivery was lost on the way");
      accept(reading, pulled);
      if (over.aborted) return;
    }
    if (deliveries > before || over.aborted) continue;
    const consumer = await durableOf(bus, stream, senderDurable.name);
    if (!consumer) throw new Error("the consumer is gone");
    if (consumer.deliveries > deliveries) throw new Error("a delivery was lost on the way, or went to somebody else");
  }
}

function accept(reading: Reading, pulled: Pulled): void {
  const arrival = arrivalOf(pulled.sequence, reading.position, reading.highest);
  switch (arrival.kind) {
    case "written":
      pulled.acknowledge();
      return;
    case "in_hand":
      return;
    case "new": {
      const { acknowledge } = pulled;
      reading.buffer.push({ incoming: incomingOf(pulled), lostBefore: arrival.lostBefore, acknowledge });
      reading.highest = pulled.sequence;
      reading.notifier.notify();
    }
  }
}

type Arrival =
  | { kind: "written" }
  /** Its first delivery will be acknowledged, which acknowledges the message. */
  | { kind: "in_hand" }
  | { kind: "new"; lostBefore: number };

/** `position`: in the ledger up to here. `highest`: read up to here, and not before. */
export function arrivalOf(sequence: number, position: number, highest: number): Arrival {
  if (sequence <= position) return { kind: "written" };
  if (sequence <= highest) return { kind: "in_hand" };
  return { kind: "new", lostBefore: sequence - highest - 1 };
}

/** From the front, at least one, no more bytes than a statement should carry. */
export function takeReads<Each extends { incoming: Pick<Incoming, "data"> }>(buffer: Each[], bytesMax = readBytesMax): Each[] {
  let bytes = 0;
  let count = 0;
  for (const { incoming } of buffer) {
    bytes += incoming.data.byteLength;
    if (count > 0 && bytes > bytesMax) break;
    count += 1;
  }
  return buffer.splice(0, count);
}

function incomingOf({ message, sequence }: Pulled): Incoming {
  return {
    subject: message.subject,
    data: message.data,
    streamSequence: sequence,
    messageId: message.headers?.get(messageIdHeader) ?? "",
    traceparent: message.headers?.get(traceparentHeader) ?? "",
  };
}
