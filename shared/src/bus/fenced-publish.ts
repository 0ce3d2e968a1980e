// Writing once. Every publish carries the expected last sequence of its subject and a Mio-Origin that grows on that subject, so the
// broker itself refuses a writer that is behind, and whoever is in doubt looks at the subject's last message. The broker's dedupe
// window is never trusted; one publish is in flight a subject, many subjects run side by side.
import type { Bus } from "./connection.ts";
import { compareOrigins, formatOrigin, messageIdHeader, type Origin, originHeader, parseOrigin } from "./headers.ts";
import { isFenceRefusal, jetStreamErrors, lastMessageOf, messageOf, publishAcked, type StoredMessage } from "./jetstream-api.ts";

export interface FencedMessage {
  subject: string;
  data: Uint8Array;
  /** `Nats-Msg-Id` by the rules of wire.md. */
  messageId: string;
  /** Must grow from message to message of a subject: "at or past ours" is taken as "published". */
  origin: Origin;
  headers?: Readonly<Record<string, string>>;
  /** Asked before each write: false once another owner may have taken the partition. */
  owned: () => boolean;
  /**
   * Set when the same message may have been published under another origin (another sighting of the same event): wall clock
   * of its first sighting in ms. Then the subject is searched from there for this message id before anything is written.
   */
  seenElsewhereSinceMs?: number;
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
  /** One request's patience. */
  timeoutMs?: number;
  /** The whole publish with its looks and retries. */
  deadlineMs?: number;
}

/** Clocks of database and broker may differ this much when a search goes back to a first sighting. */
const clockSkewMs = 300_000;
const backoffStartMs = 20;
const backoffMaxMs = 1_000;

/** A publisher for one stream. The cache and the queues are its own: make one per process and stream, not one per message. */
export function createFencedPublisher(bus: Bus, options: FencedPublisherOptions): FencedPublisher {
  const { stream, subjectsMax = 50_000, timeoutMs = 5_000, deadlineMs = 30_000 } = options;
  const lastSequences = new Map<string, number>();
  const tails = new Map<string, Promise<unknown>>();
  const stats: FencedStats = { published: 0, alreadyPublished: 0, refused: 0, duplicatesOutsideRetries: 0 };

  return { publish: inTurn, stats };

  /** One in flight a subject, in the order of the calls. */
  async function inTurn(message: FencedMessage): Promise<FencedOutcome> {
    const before = tails.get(message.subject);
    const mine = before === undefined ? publishNow(message) : before.then(() => publishNow(message));
    const settled = mine.catch(() => undefined);
    tails.set(message.subject, settled);
    try {
      return await mine;
    } finally {
      if (tails.get(message.subject) === settled) tails.delete(message.subject);
    }
  }

  async function publishNow(message: FencedMessage): Promise<FencedOutcome> {
    const giveUpAtMs = bus.clock.monotonicMs() + deadlineMs;
    let expected = message.seenElsewhereSinceMs === undefined ? lastSequences.get(message.subject) : undefined;
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (expected === undefined) {
          const seen = await look(message);
          if (seen.kind === "published") return alreadyPublished(message, seen.sequence, seen.last);
          expected = seen.last;
        }
        if (!message.owned()) return { kind: "lost_ownership" };
        const ack = await publishAcked(bus, message.subject, message.data, {
          timeoutMs,
          messageId: message.messageId,
          expectedLastSubjectSequence: expected,
          headers: { ...message.headers, [originHeader]: formatOrigin(message.origin) },
        });
        if (ack.kind === "stored") {
          remember(message.subject, ack.sequence);
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
        lastSequences.delete(message.subject);
        if (isPayloadLimit(error)) return { kind: "too_large" };
        if (bus.clock.monotonicMs() > giveUpAtMs || bus.connection.isClosed()) throw error;
        expected = undefined;
        await pause(attempt);
      }
    }
  }

  type Seen = { kind: "published"; sequence: number | undefined; last: number } | { kind: "not_published"; last: number };

  async function look(message: FencedMessage): Promise<Seen> {
    const last = await lastMessageOf(bus, stream, message.subject, timeoutMs);
    if (last === undefined) return { kind: "not_published", last: 0 };
    if (last.headers.get(messageIdHeader) === message.messageId)
      return { kind: "published", sequence: last.sequence, last: last.sequence };
    if (isAtOrPast(last, message.origin)) return { kind: "published", sequence: undefined, last: last.sequence };
    if (message.seenElsewhereSinceMs === undefined) return { kind: "not_published", last: last.sequence };
    return (await search(message, message.seenElsewhereSinceMs, last)) ?? { kind: "not_published", last: last.sequence };
  }

  /** Reads the subject forward from a first sighting up to its last message, for this very message id. Rare: a few messages of one conversation. */
  async function search(message: FencedMessage, sinceMs: number, last: StoredMessage): Promise<Seen | undefined> {
    const since = new Date(Math.max(0, sinceMs - clockSkewMs)).toISOString();
    let found = await messageOf(bus, stream, { start_time: since, next_by_subj: message.subject }, timeoutMs);
    while (found !== undefined && found.sequence < last.sequence) {
      if (found.headers.get(messageIdHeader) === message.messageId)
        return { kind: "published", sequence: found.sequence, last: last.sequence };
      found = await messageOf(bus, stream, { seq: found.sequence + 1, next_by_subj: message.subject }, timeoutMs);
    }
    return undefined;
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

  function alreadyPublished(message: FencedMessage, sequence: number | undefined, last: number): FencedOutcome {
    remember(message.subject, last);
    stats.alreadyPublished += 1;
    return { kind: "already_published", sequence };
  }

  /** Least recently written subjects are forgotten first. */
  function remember(subject: string, sequence: number): void {
    lastSequences.delete(subject);
    lastSequences.set(subject, sequence);
    if (lastSequences.size <= subjectsMax) return;
    for (const oldest of lastSequences.keys()) {
      lastSequences.delete(oldest);
      return;
    }
  }

  function pause(attempt: number): Promise<void> {
    const fullMs = Math.min(backoffMaxMs, backoffStartMs * 2 ** Math.min(attempt, 10));
    return bus.clock.sleep(fullMs * (0.5 + bus.random.next() / 2));
  }
}

function isAtOrPast(last: StoredMessage, origin: Origin): boolean {
  const theirs = parseOrigin(last.headers.get(originHeader));
  return theirs !== undefined && compareOrigins(theirs, origin) >= 0;
}

/** The client itself refuses what is above the server's `max_payload` (nats: code MAX_PAYLOAD_EXCEEDED). */
function isPayloadLimit(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "MAX_PAYLOAD_EXCEEDED";
}
