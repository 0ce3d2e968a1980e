// One stream read as a log: an ordered push consumer on the own inbox, recreated from the last sequence read whenever the server
// restarts, the consumer is lost, or a delivery is missing. What comes out is in stream order, without holes and without repeats.
// Flow control is answered only when the reader has taken what came before it, so a slow reader bounds memory by itself.
import type { Bus, BusHeaders, BusMessage, BusSubscription } from "../client/connection.ts";
import type { Place } from "../client/delivery.ts";
import type { StreamState } from "../client/jetstream-api.ts";
import { createEventQueue, type EventQueue } from "./log/event-queue.ts";
import { heardOf } from "./log/heard.ts";
import { createOrderedConsumer } from "./log/ordered-consumer.ts";

export interface LogRecord {
  subject: string;
  /** Of the stream. */
  sequence: number;
  /** Which stream counted the sequence, see `Origin`; 0 where the reader may not ask. */
  streamEpochMs: number;
  data: Uint8Array;
  headers: BusHeaders | undefined;
  /** When the stream stored it, by the server's clock. */
  storedAtMs: number;
  /** How many more the server had for this filter when it sent this one. */
  pending: number;
}

export type LogEvent =
  | { kind: "record"; record: LogRecord }
  /** Everything for this filter up to here has been given out: how an idle reader's position keeps up with the stream. */
  | { kind: "covered"; sequence: number }
  /** The stream begins after what was wanted: `count` sequences are gone unread. */
  | { kind: "lost_unread"; wanted: number; count: number }
  /**
   * The stream has ended before what was read already: it was restored, and a person must decide. Nothing is read, and this is repeated,
   * while it lasts.
   */
  | { kind: "behind"; wanted: number; reached: number }
  /** Another stream stands under the name now; nothing of it is given out here. Repeated until closed. */
  | { kind: "recreated"; streamEpochMs: number };

export interface LogSource {
  /** The next event, or undefined when there is none yet. Taking a record is what lets the server send more. */
  take(): LogEvent | undefined;
  /** Resolves when there may be something to take; false once closed. */
  readable(): Promise<boolean>;
  /** Goes on from another sequence, forgetting what is buffered. */
  seek(sequence: number): void;
  close(): Promise<void>;
  /** Records that were received and not taken yet. */
  buffered(): number;
}

export interface LogSourceOptions {
  stream: string;
  /** One subject filter. It becomes part of the request's subject, so permissions can hold it. */
  filter: string;
  /** First sequence to read, from 1. */
  from: number;
  heartbeatMs?: number;
  /** Which stream `from` counts in; when left out, the one that is found first. */
  streamEpochMs?: number;
  /** Asked at each opening. What it does not say (an agent may not ask for the stream's epoch) goes unnoticed. */
  streamState?: () => Promise<StreamState>;
  /** Called when the consumer could not be made or fell silent; reading goes on by itself. */
  onTrouble?: (error: unknown) => void;
}

const heartbeatDefaultMs = 500;
/** Silence after which the consumer is taken for lost, in heartbeats. */
const heartbeatsMissedMax = 4;
const reopenMaxMs = 1_000;

interface Reading {
  readonly bus: Bus;
  readonly options: LogSourceOptions;
  readonly heartbeatMs: number;
  readonly onTrouble: (error: unknown) => void;
  readonly queue: EventQueue<LogEvent>;
  readonly stop: AbortSignal;
  /** The next sequence that nobody has been given. */
  wanted: number;
  streamEpochMs: number | undefined;
  consumer: { name: string; subscription: BusSubscription; delivered: number } | undefined;
  /** There is no consumer, or none to go on with. */
  broken: boolean;
  heardAtMs: number;
  /** Ends the pause that is under way. */
  kick: (() => void) | undefined;
}

/** Starts reading at once; never throws after that, but reports trouble and tries on. */
export function openLogSource(bus: Bus, options: LogSourceOptions): LogSource {
  const { heartbeatMs = heartbeatDefaultMs, onTrouble = () => {} } = options;
  const stop = new AbortController();
  const queue = createEventQueue<LogEvent>((reply) => bus.connection.publish(reply));
  const reading: Reading = {
    bus,
    options,
    heartbeatMs,
    onTrouble,
    queue,
    stop: stop.signal,
    wanted: Math.max(1, options.from),
    streamEpochMs: options.streamEpochMs,
    consumer: undefined,
    broken: true,
    heardAtMs: bus.clock.monotonicMs(),
    kick: undefined,
  };
  const running = keepOpen(reading);
  return {
    take: queue.take,
    readable: queue.readable,
    buffered: queue.size,
    seek(sequence) {
      queue.clear();
      reading.wanted = Math.max(1, sequence);
      reopen(reading);
    },
    async close() {
      stop.abort();
      queue.close();
      reopen(reading);
      await running;
    },
  };
}

/** Opens, watches for silence, and opens again, until closed. */
async function keepOpen(reading: Reading): Promise<void> {
  const { bus, heartbeatMs, onTrouble, options, stop } = reading;
  let failures = 0;
  while (!stop.aborted) {
    if (reading.broken) {
      try {
        forget(reading);
        await open(reading);
        failures = 0;
      } catch (error) {
        reading.broken = true;
        failures += 1;
        if (bus.connection.isClosed()) break;
        onTrouble(error);
        await rest(reading, Math.min(reopenMaxMs, 50 * 2 ** Math.min(failures, 8)));
      }
      continue;
    }
    await rest(reading, heartbeatMs);
    if (!reading.broken && bus.clock.monotonicMs() - reading.heardAtMs > heartbeatMs * heartbeatsMissedMax) {
      onTrouble(new Error(`the consumer of ${options.stream} fell silent; making another from sequence ${reading.wanted}`));
      reopen(reading);
    }
  }
  forget(reading);
}

async function open(reading: Reading): Promise<void> {
  const { bus, queue, heartbeatMs } = reading;
  const { stream, filter } = reading.options;
  reading.broken = false;
  const state = await sameStream(reading);
  const first = reading.wanted;
  if (state !== undefined && state.lastSequence < first - 1) {
    const reached = state.lastSequence;
    queue.push({ kind: "behind", wanted: first, reached });
    throw new Error(`${stream} ends at ${reached}, before the position ${first - 1}: it was recreated or restored`);
  }
  const { name, inbox, start } = await createOrderedConsumer(bus, { stream, filter, from: first, heartbeatMs });
  // Asked once more, now that the consumer exists: a consumer lives and dies with its stream, so it is one of the stream that we know.
  await sameStream(reading);
  // A seek or a close came in between: this one is left to the server's clock.
  if (reading.broken) return;
  reading.heardAtMs = bus.clock.monotonicMs();
  const callback = (error: Error | null, message: BusMessage) => receive(reading, name, error, message);
  reading.consumer = { name, subscription: bus.connection.subscribe(inbox, { callback }), delivered: 0 };
  if (start > first) {
    queue.push({ kind: "lost_unread", wanted: first, count: start - first });
    reading.wanted = start;
  }
}

/** Throws when another stream stands under the name than the one whose sequences we count. */
async function sameStream(reading: Reading): Promise<StreamState | undefined> {
  const { stream, streamState } = reading.options;
  const state = await streamState?.();
  if (state?.streamEpochMs === undefined) return state;
  reading.streamEpochMs ??= state.streamEpochMs;
  if (state.streamEpochMs === reading.streamEpochMs) return state;
  reading.queue.push({ kind: "recreated", streamEpochMs: state.streamEpochMs });
  throw new Error(`${stream} was deleted and recreated at ${new Date(state.streamEpochMs).toISOString()}`);
}

function receive(reading: Reading, name: string, error: Error | null, message: BusMessage): void {
  const { consumer, queue } = reading;
  if (consumer?.name !== name || reading.broken) return;
  reading.heardAtMs = reading.bus.clock.monotonicMs();
  if (error) {
    reading.onTrouble(error);
    reopen(reading);
    return;
  }
  const heard = heardOf(message, consumer.delivered);
  switch (heard.kind) {
    case "delivery":
      consumer.delivered = heard.place.delivery;
      giveOut(reading, message, heard.place);
      return;
    case "flow_control":
      queue.pushFlowControl(heard.reply);
      return;
    case "heartbeat":
      if (heard.stalled !== undefined) queue.remindOfFlowControl(heard.stalled);
      cover(reading, heard.reached);
      return;
    case "hole":
      if (heard.stalled !== undefined) queue.remindOfFlowControl(heard.stalled);
      reopen(reading);
  }
}

function giveOut(reading: Reading, { subject, data, headers }: BusMessage, { sequence, storedAtMs, pending }: Place): void {
  // A replica that is behind starts earlier than asked: what was read already is not given out again.
  if (sequence < reading.wanted) return;
  reading.wanted = sequence + 1;
  const streamEpochMs = reading.streamEpochMs ?? 0;
  reading.queue.push({ kind: "record", record: { subject, data, headers, sequence, streamEpochMs, storedAtMs, pending } });
}

function cover(reading: Reading, reached: number): void {
  if (reached < reading.wanted) return;
  reading.wanted = reached + 1;
  reading.queue.push({ kind: "covered", sequence: reached });
}

function reopen(reading: Reading): void {
  reading.broken = true;
  reading.consumer?.subscription.unsubscribe();
  reading.kick?.();
}

/** The server deletes a consumer that nobody listens to; an agent may not delete any. */
function forget(reading: Reading): void {
  reading.consumer?.subscription.unsubscribe();
  reading.consumer = undefined;
}

async function rest(reading: Reading, ms: number): Promise<void> {
  const cut = new AbortController();
  reading.kick = () => cut.abort();
  await reading.bus.clock.sleep(ms, AbortSignal.any([reading.stop, cut.signal])).catch(() => {});
  reading.kick = undefined;
}
