// One stream read as a log: an ordered push consumer on the own inbox, recreated from the last sequence read whenever the server
// restarts, the consumer is lost, or a delivery is missing. What comes out is in stream order, without holes and without repeats.
// Flow control is answered only when the reader has taken what came before it, so a slow reader bounds memory by itself.
import * as v from "valibot";
import { type Bus, type BusHeaders, type BusMessage, type BusSubscription, inboxOf, nameOf } from "../client/connection.ts";
import { type Place, placeOf } from "../client/delivery.ts";
import { apiRequest, type StreamState } from "../client/jetstream-api.ts";

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
/** The server forgets a consumer that nobody listens to after this. */
const inactiveMs = 30_000;
const openTimeoutMs = 3_000;
const reopenMaxMs = 1_000;

const consumerInfo = v.object({ delivered: v.object({ consumer_seq: v.number(), stream_seq: v.number() }) });

type Buffered = LogEvent | { kind: "flow_control"; reply: string };

/** Starts reading at once; never throws after that, but reports trouble and tries on. */
export function openLogSource(bus: Bus, options: LogSourceOptions): LogSource {
  const { stream, filter, heartbeatMs = heartbeatDefaultMs, onTrouble = () => {} } = options;
  const stop = new AbortController();
  let buffer: Buffered[] = [];
  let taken = 0;
  let wake: (() => void) | undefined;
  let wanted = Math.max(1, options.from);
  let heardAtMs = bus.clock.monotonicMs();
  let consumer: { name: string; subscription: BusSubscription; delivered: number } | undefined;
  let { streamEpochMs } = options;
  let broken = true;
  let kick: (() => void) | undefined;

  const running = keepOpen();
  return { take, readable, seek, close, buffered: () => buffer.length - taken };

  function take(): LogEvent | undefined {
    while (taken < buffer.length) {
      const event = buffer[taken];
      taken += 1;
      if (event?.kind === "flow_control") bus.connection.publish(event.reply);
      else if (event) return event;
    }
    buffer = [];
    taken = 0;
    return undefined;
  }

  async function readable(): Promise<boolean> {
    if (taken < buffer.length) return true;
    if (!stop.signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return !stop.signal.aborted;
  }

  function seek(sequence: number): void {
    buffer = [];
    taken = 0;
    wanted = Math.max(1, sequence);
    reopen();
  }

  async function close(): Promise<void> {
    stop.abort();
    buffer = [];
    taken = 0;
    wake?.();
    reopen();
    await running;
  }

  function push(event: Buffered): void {
    buffer.push(event);
    wake?.();
    wake = undefined;
  }

  function reopen(): void {
    broken = true;
    consumer?.subscription.unsubscribe();
    kick?.();
  }

  /** Opens, watches for silence, and opens again, until closed. */
  async function keepOpen(): Promise<void> {
    let failures = 0;
    while (!stop.signal.aborted) {
      if (broken) {
        try {
          forget();
          await open();
          failures = 0;
        } catch (error) {
          broken = true;
          failures += 1;
          if (bus.connection.isClosed()) break;
          onTrouble(error);
          await rest(Math.min(reopenMaxMs, 50 * 2 ** Math.min(failures, 8)));
        }
        continue;
      }
      await rest(heartbeatMs);
      if (!broken && bus.clock.monotonicMs() - heardAtMs > heartbeatMs * heartbeatsMissedMax) {
        onTrouble(new Error(`the consumer of ${stream} fell silent; making another from sequence ${wanted}`));
        reopen();
      }
    }
    forget();
  }

  async function rest(ms: number): Promise<void> {
    const cut = new AbortController();
    kick = () => cut.abort();
    await bus.clock.sleep(ms, AbortSignal.any([stop.signal, cut.signal])).catch(() => {});
    kick = undefined;
  }

  async function open(): Promise<void> {
    broken = false;
    const state = await sameStream();
    const first = wanted;
    if (state !== undefined && state.lastSequence < first - 1) {
      const reached = state.lastSequence;
      push({ kind: "behind", wanted: first, reached });
      throw new Error(`${stream} ends at ${reached}, before the position ${first - 1}: it was recreated or restored`);
    }
    const name = nameOf(bus);
    const inbox = inboxOf(bus);
    const config = {
      name,
      deliver_subject: inbox,
      deliver_policy: "by_start_sequence",
      opt_start_seq: first,
      filter_subject: filter,
      ack_policy: "none",
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: heartbeatMs * 1_000_000,
      inactive_threshold: inactiveMs * 1_000_000,
      mem_storage: true,
      num_replicas: 1,
    };
    const info = await apiRequest(
      bus,
      `CONSUMER.CREATE.${stream}.${name}.${filter}`,
      { stream_name: stream, config, action: "create" },
      consumerInfo,
      openTimeoutMs,
    );
    // Asked once more, now that the consumer exists: a consumer lives and dies with its stream, so it is one of the stream that we know.
    // Until somebody subscribes to its subject it delivers nothing.
    await sameStream();
    // A seek or a close came in between: this one is left to the server's clock.
    if (broken) return;
    heardAtMs = bus.clock.monotonicMs();
    consumer = {
      name,
      subscription: bus.connection.subscribe(inbox, { callback: (error, message) => receive(name, error, message) }),
      delivered: 0,
    };
    // The server starts where the stream starts when that is later, and its answer says so.
    const start = info.delivered.stream_seq + 1;
    if (info.delivered.consumer_seq === 0 && start > first) {
      push({ kind: "lost_unread", wanted: first, count: start - first });
      wanted = start;
    }
  }

  /** Throws when another stream stands under the name than the one whose sequences we count. */
  async function sameStream(): Promise<StreamState | undefined> {
    const state = await options.streamState?.();
    if (state?.streamEpochMs === undefined) return state;
    streamEpochMs ??= state.streamEpochMs;
    if (state.streamEpochMs === streamEpochMs) return state;
    push({ kind: "recreated", streamEpochMs: state.streamEpochMs });
    throw new Error(`${stream} was deleted and recreated at ${new Date(state.streamEpochMs).toISOString()}`);
  }

  /** The server deletes a consumer that nobody listens to; an agent may not delete any. */
  function forget(): void {
    consumer?.subscription.unsubscribe();
    consumer = undefined;
  }

  function receive(name: string, error: Error | null, message: BusMessage): void {
    if (consumer?.name !== name || broken) return;
    heardAtMs = bus.clock.monotonicMs();
    if (error) {
      onTrouble(error);
      reopen();
    } else if (message.headers?.code === 100 && message.data.length === 0) {
      control(consumer, message, message.headers);
    } else {
      const place = placeOf(message);
      if (place?.delivery === consumer.delivered + 1) deliver(consumer, message, place);
      else reopen();
    }
  }

  function deliver(current: { delivered: number }, message: BusMessage, place: Place): void {
    current.delivered = place.delivery;
    // A replica that is behind starts earlier than asked: what was read already is not given out again.
    if (place.sequence < wanted) return;
    wanted = place.sequence + 1;
    const { subject, data, headers } = message;
    const { sequence, storedAtMs, pending } = place;
    push({
      kind: "record",
      record: { subject, data, headers, sequence, streamEpochMs: streamEpochMs ?? 0, storedAtMs, pending },
    });
  }

  function control(current: { delivered: number }, message: BusMessage, headers: BusHeaders): void {
    if (message.reply) {
      push({ kind: "flow_control", reply: message.reply });
      return;
    }
    // A heartbeat of a consumer that waits for our answer names what to answer, in case the request was lost.
    const stalled = headers.get("Nats-Consumer-Stalled");
    if (stalled !== "" && !buffer.some((each) => each.kind === "flow_control" && each.reply === stalled))
      push({ kind: "flow_control", reply: stalled });
    if (Number(headers.get("Nats-Last-Consumer")) > current.delivered) {
      reopen();
      return;
    }
    const reached = Number(headers.get("Nats-Last-Stream"));
    if (reached >= wanted) {
      wanted = reached + 1;
      push({ kind: "covered", sequence: reached });
    }
  }
}
