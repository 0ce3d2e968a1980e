// Writing once. Every publish carries the expected last sequence of its subject and a Mio-Origin that grows on that subject, so the
// broker itself refuses a writer that is behind (a fencing token), and a writer in doubt looks at the subject's last message. The broker's dedupe
// window is never trusted; one publish is in flight a subject, many subjects run side by side.
import { backoffMs } from "../../backoff.ts";
import { failureOf } from "../client/bus-client.ts";
import type { Bus } from "../client/connection.ts";
import {
  isFenceRefusal,
  jetStreamErrors,
  lastMessageOf,
  messageOf,
  publishAcked,
  type StoredMessage,
} from "../client/jetstream-api.ts";
import {
  compareOrigins,
  formatOrigin,
  messageIdHeader,
  type Origin,
  originHeader,
  originPartitionHeader,
  parseOrigin,
} from "../names/headers.ts";

export interface FencedMessage {
  subject: string;
  data: Uint8Array;
  /** `Nats-Msg-Id`, one of `headers.ts`. */
  messageId: string;
  /** Must grow from message to message of a subject and partition: "at or past ours", of the same stream, is taken as "published". */
  origin: Origin;
  /**
   * The partition of the source that it was read from, where one subject's messages may come out of several, as after a move of shards. Each is
   * read at its own pace, so a later origin of another one proves nothing.
   */
  partition?: string;
  headers?: Readonly<Record<string, string>>;
  /** Asked before each write: false once another owner may have taken the partition. */
  owned: () => boolean;
  /**
   * Set when the same message may have been published under another origin (another sighting of the same event): wall clock
   * of its first sighting in ms. Then the subject is searched from there for this message id before anything is written.
   */
  seenElsewhereSinceMs?: number;
  /**
   * Wall clock in ms before which nobody can have published it. Where the subject's last message came from another stream under the source's
   * name, or from another partition, origins prove nothing, and the subject is searched from there for this message id; without it, it counts as not published.
   */
  notBeforeMs?: number;
}

export type FencedOutcome =
  | { kind: "published"; sequence: number }
  /** Our own earlier publish, or another owner's; the sequence is known when the search met this very message. */
  | { kind: "already_published"; sequence: number | undefined }
  | { kind: "lost_ownership" }
  /** The stream takes no message of this size, however often it is tried. */
  | { kind: "too_large" };

export interface FencedPublisher {
  /** Throws only on I/O that outlasted the deadline; the outcome is then unknown, and calling again is right. */
  publish(message: FencedMessage): Promise<FencedOutcome>;
  readonly stats: FencedStats;
}

export interface FencedStats {
  published: number;
  alreadyPublished: number;
  refused: number;
  /** Duplicate answers that no retry and no takeover explains: two messages share an id. Must stay 0. */
  duplicatesOutsideRetries: number;
}

export interface FencedPublisherOptions {
  stream: string;
  /** How many subjects' last sequences are remembered; a forgotten one costs a read. */
  subjectsMax?: number;
  /** One request's deadline. */
  timeoutMs?: number;
  /** The whole publish with its looks and retries. */
  deadlineMs?: number;
  /** Called between the last look at ownership and the write: where a pause is worst, and only the broker's own check is left. */
  beforeWrite?: () => Promise<void>;
}

/** Clocks of database and broker may differ this much when a search goes back to a first sighting. */
const clockSkewMs = 300_000;
const backoff = { startMs: 20, maxMs: 1_000 };

/** A publisher for one stream. The cache and the queues are its own: make one per process and stream, not one per message. */
export function createFencedPublisher(bus: Bus, options: FencedPublisherOptions): FencedPublisher {
  const { stream, subjectsMax = 50_000, timeoutMs = 3_000, deadlineMs = 30_000, beforeWrite } = options;
  const lasts = new Map<string, Last>();
  const tails = new Map<string, Promise<boolean>>();
  const stats: FencedStats = { published: 0, alreadyPublished: 0, refused: 0, duplicatesOutsideRetries: 0 };

  return { publish: inTurn, stats };

  /** One in flight a subject, in the order of the calls. One that fails takes those behind it along: they would overtake it for ever. */
  async function inTurn(message: FencedMessage): Promise<FencedOutcome> {
    const before = tails.get(message.subject);
    const mine = (async () => {
      if (before !== undefined && !(await before)) throw new Error(`an earlier message of ${message.subject} was not published`);
      return publishNow(message);
    })();
    const settled = mine.then(
      (outcome) => outcome.kind !== "lost_ownership",
      () => false,
    );
    tails.set(message.subject, settled);
    try {
      return await mine;
    } finally {
      if (tails.get(message.subject) === settled) tails.delete(message.subject);
    }
  }

  async function publishNow(message: FencedMessage): Promise<FencedOutcome> {
    const giveUpAtMs = bus.clock.monotonicMs() + deadlineMs;
    const cached = message.seenElsewhereSinceMs === undefined ? lasts.get(message.subject) : undefined;
    const last = cached && comparable(cached, message) ? cached : undefined;
    // What we saw last may be past this message already, as when a new owner goes again over what the old one has published.
    if (last && isAtOrPast(last, message)) return alreadyPublished(message, undefined, last);
    let expected = last?.sequence;
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (expected === undefined) {
          const seen = await look(message);
          if (seen.kind === "published") return alreadyPublished(message, seen.sequence, seen.last);
          expected = seen.last.sequence;
        }
        if (!message.owned()) return { kind: "lost_ownership" };
        if (beforeWrite) await beforeWrite();
        const ack = await publishAcked(bus, message.subject, message.data, {
          timeoutMs,
          messageId: message.messageId,
          expectedLastSubjectSequence: expected,
          headers: { ...message.headers, ...originHeadersOf(message) },
        });
        if (ack.kind === "stored") {
          remember(message.subject, { sequence: ack.sequence, origin: message.origin, partition: message.partition });
          stats.published += 1;
          return { kind: "published", sequence: ack.sequence };
        }
        if (ack.kind === "duplicate") {
          const outcome = await explainDuplicate(message, ack.sequence, attempt);
          if (outcome) return outcome;
        } else if (ack.code === jetStreamErrors.messageTooLarge) {
          return { kind: "too_large" };
        } else if (!isFenceRefusal(ack.code)) {
          throw new Error(`${stream} refused a message: ${ack.description} (${ack.code})`);
        }
        stats.refused += 1;
        expected = undefined;
        if (bus.clock.monotonicMs() > giveUpAtMs)
          throw new Error(`${stream} refused a message for ${deadlineMs} ms: its subject's last message keeps changing`);
        if (attempt > 0) await pause(attempt);
      } catch (error) {
        // Timed out, disconnected, or refused for want of room: nobody knows whether it is stored, so the next round looks.
        lasts.delete(message.subject);
        if (failureOf(error) === "too_large") return { kind: "too_large" };
        if (bus.clock.monotonicMs() > giveUpAtMs || bus.connection.isClosed()) throw error;
        expected = undefined;
        await pause(attempt);
      }
    }
  }

  async function look(message: FencedMessage): Promise<Seen> {
    const stored = await lastMessageOf(bus, stream, message.subject, timeoutMs);
    if (stored === undefined) return { kind: "not_published", last: { sequence: 0, origin: undefined, partition: undefined } };
    const last = {
      sequence: stored.sequence,
      origin: parseOrigin(stored.headers.get(originHeader)),
      partition: stored.headers.get(originPartitionHeader) || undefined,
    };
    if (stored.headers.get(messageIdHeader) === message.messageId) return { kind: "published", sequence: stored.sequence, last };
    if (isAtOrPast(last, message)) return { kind: "published", sequence: undefined, last };
    const searchFromMs = message.seenElsewhereSinceMs ?? (comparable(last, message) ? undefined : message.notBeforeMs);
    const found = searchFromMs === undefined ? undefined : await search(message, searchFromMs, stored);
    return found === undefined ? { kind: "not_published", last } : { kind: "published", sequence: found, last };
  }

  /** Reads the subject forward from some time up to its last message, for this very message id. Rare: a few messages of one conversation. */
  async function search(message: FencedMessage, sinceMs: number, last: StoredMessage): Promise<number | undefined> {
    const fromMs = Math.max(0, sinceMs - clockSkewMs);
    if (last.storedAtMs < fromMs) return undefined;
    let query: Record<string, string | number> = { start_time: new Date(fromMs).toISOString() };
    for (;;) {
      const found = await messageOf(bus, stream, { ...query, next_by_subj: message.subject }, timeoutMs);
      if (found?.headers.get(messageIdHeader) === message.messageId) return found.sequence;
      // A replica that is behind does not know all that it was asked for: not finding it there proves nothing.
      if (found === undefined) throw new Error(`a replica of ${stream} is behind; searching ${message.subject} again`);
      if (found.sequence >= last.sequence) return undefined;
      query = { seq: found.sequence + 1 };
    }
  }

  /** The broker says that it holds this id: true only if the message that it names is there, and ours. */
  async function explainDuplicate(message: FencedMessage, sequence: number, attempt: number): Promise<FencedOutcome | undefined> {
    const seen = await look(message);
    if (seen.kind === "published") return alreadyPublished(message, seen.sequence, seen.last);
    const named = await messageOf(bus, stream, { seq: sequence }, timeoutMs);
    if (named?.subject === message.subject && named.headers.get(messageIdHeader) === message.messageId) {
      if (attempt === 0) stats.duplicatesOutsideRetries += 1;
      return alreadyPublished(message, sequence, seen.last);
    }
    return undefined;
  }

  function alreadyPublished(message: FencedMessage, sequence: number | undefined, last: Last): FencedOutcome {
    remember(message.subject, last);
    stats.alreadyPublished += 1;
    return { kind: "already_published", sequence };
  }

  /** Least recently written subjects are forgotten first. */
  function remember(subject: string, last: Last): void {
    lasts.delete(subject);
    lasts.set(subject, last);
    if (lasts.size <= subjectsMax) return;
    for (const oldest of lasts.keys()) {
      lasts.delete(oldest);
      return;
    }
  }

  function pause(attempt: number): Promise<void> {
    return bus.clock.sleep(backoffMs(attempt + 1, backoff, bus.random));
  }
}

/** What a subject's last message is known to be. */
interface Last {
  /** 0: there is none. */
  sequence: number;
  origin: Origin | undefined;
  partition: string | undefined;
}

type Seen = { kind: "published"; sequence: number | undefined; last: Last } | { kind: "not_published"; last: Last };

/**
 * Only within one stream: a reader that was paused while its source was recreated must not take the new one's messages for its own. And only
 * within a partition: one that is read late must not take a faster one's later messages for its own.
 */
function comparable(last: Last, { origin, partition }: FencedMessage): boolean {
  return last.origin?.streamEpochMs === origin.streamEpochMs && last.partition === partition;
}

function isAtOrPast(last: Last, message: FencedMessage): boolean {
  return comparable(last, message) && last.origin !== undefined && compareOrigins(last.origin, message.origin) >= 0;
}

function originHeadersOf({ origin, partition }: FencedMessage): Record<string, string> {
  const from = partition === undefined ? {} : { [originPartitionHeader]: partition };
  return { [originHeader]: formatOrigin(origin), ...from };
}
