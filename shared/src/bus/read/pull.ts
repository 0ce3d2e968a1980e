// One pull of a durable consumer: the server sends what there is, up to a number of messages or until a time is over. The reader
// acknowledges each by itself.
import { type Bus, type BusMessage, inboxOf } from "../client/connection.ts";
import { type Place, placeOf } from "../client/delivery.ts";
import { nanosecondsPerMs } from "../client/stream-admin.ts";

export interface Pulled extends Place {
  message: BusMessage;
  /** Sent without an answer: where it is lost, the message is delivered again. */
  acknowledge(): void;
}

export interface PullOptions {
  messagesMax: number;
  /** At least two heartbeats long. */
  expiresMs: number;
  signal: AbortSignal;
}

const heartbeatMs = 500;
/** Silence after which nothing more is expected, in heartbeats: counted, so that a process that was paused reads what waits for it first. */
const heartbeatsMissedMax = 4;
/** The server's status of a message that is no delivery. */
const heartbeat = 100;
const badRequest = 400;
const conflict = 409;
const nobodyListens = 503;

/** Ends once all have come, the time is over, the server falls silent or `signal` is aborted. Throws when the consumer is gone. */
export async function* pull(bus: Bus, stream: string, durable: string, options: PullOptions): AsyncGenerator<Pulled> {
  const { messagesMax, expiresMs, signal } = options;
  const inbox = inboxOf(bus);
  const arrived: Pulled[] = [];
  let received = 0;
  let missed = 0;
  let ended = false;
  let failure: Error | undefined;
  let wake = () => {};

  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  over.addEventListener("abort", end, { once: true });
  const subscription = bus.connection.subscribe(inbox, { callback: receive });
  try {
    if (signal.aborted) return;
    bus.connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`,
      JSON.stringify({
        batch: messagesMax,
        expires: expiresMs * nanosecondsPerMs,
        idle_heartbeat: heartbeatMs * nanosecondsPerMs,
      }),
      { reply: inbox },
    );
    void listenForSilence();
    for (;;) {
      const next = arrived.shift();
      if (next) yield next;
      else if (failure) throw failure;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    stop.abort();
    subscription.unsubscribe();
  }

  function end(): void {
    ended = true;
    wake();
  }

  async function listenForSilence(): Promise<void> {
    while (!over.aborted) {
      await bus.clock.sleep(heartbeatMs, over).catch(() => {});
      missed += 1;
      if (missed > heartbeatsMissedMax) return end();
    }
  }

  function receive(error: Error | null, message: BusMessage): void {
    missed = 0;
    if (error) failure = error;
    else if (message.subject === inbox) readStatus(message);
    else take(message);
    wake();
  }

  function take(message: BusMessage): void {
    const place = placeOf(message);
    if (!place) return;
    received += 1;
    const acknowledge = () => message.reply !== undefined && bus.connection.publish(message.reply, "+ACK");
    arrived.push({ ...place, message, acknowledge });
    if (received >= messagesMax) ended = true;
  }

  /** A heartbeat, or why no more comes: the time is over, the leader has changed, the consumer is gone. */
  function readStatus({ headers }: BusMessage): void {
    const code = headers?.code ?? 0;
    if (code === heartbeat) return;
    const description = headers?.description ?? "";
    const gone = code === nobodyListens || code === badRequest || (code === conflict && /deleted/i.test(description));
    if (gone) failure = new Error(`pulling from ${stream}/${durable}: the server answered ${code} ${description}`);
    end();
  }
}
