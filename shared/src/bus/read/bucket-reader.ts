// Reads a key-value bucket as it stands now, with direct gets: a watch would not notice that a bucket was wiped or recreated.

import * as v from "valibot";
import { type Bus, type BusMessage, inboxOf } from "../client/connection.ts";
import { apiRequest, JetStreamError, jetStreamErrors, lastMessageOf, type StoredMessage } from "../client/jetstream-api.ts";
import { bucketStream, bucketSubject } from "../names/streams.ts";

export interface BucketEntry {
  key: string;
  sequence: number;
  value: Uint8Array<ArrayBuffer>;
  deleted: boolean;
}

export interface BucketReader {
  readonly connected: boolean;
  /** Undefined when there is no such bucket. */
  state(): Promise<{ created: string; lastSequence: number } | undefined>;
  /** The key's present value; undefined when it has none, deleted included. */
  last(key: string): Promise<BucketEntry | undefined>;
  /** The next entries behind a sequence, oldest first. `more` when there are others behind these. */
  after(sequence: number): Promise<{ entries: BucketEntry[]; more: boolean }>;
}

type Stored = Pick<StoredMessage, "subject" | "sequence" | "data" | "headers">;

const requestTimeoutMs = 2_000;
const batchEntries = 256;

const streamInfo = v.object({ created: v.string(), state: v.object({ last_seq: v.number() }) });

/** Every method rejects when the bus does not answer within 2,000 ms. */
export function bucketReader(connection: () => Bus | undefined, bucket: string): BucketReader {
  const stream = bucketStream(bucket);
  const prefix = bucketSubject(bucket, "");
  const bus = () => {
    const present = connection();
    if (!present) throw new Error(`bucket ${bucket} cannot be read: the bus is away`);
    return present;
  };
  return {
    get connected() {
      return connection() !== undefined;
    },
    async state() {
      try {
        const info = await apiRequest(bus(), `STREAM.INFO.${stream}`, undefined, streamInfo, requestTimeoutMs);
        return { created: info.created, lastSequence: info.state.last_seq };
      } catch (error) {
        if (error instanceof JetStreamError && error.code === jetStreamErrors.streamNotFound) return undefined;
        throw error;
      }
    },
    async last(key) {
      const message = await lastMessageOf(bus(), stream, prefix + key, requestTimeoutMs);
      const entry = message && entryOf(message, prefix);
      return entry?.deleted ? undefined : entry;
    },
    async after(sequence) {
      const messages = await batchGet(bus(), stream, { seq: sequence + 1, next_by_subj: `${prefix}>`, batch: batchEntries });
      return { entries: messages.map((message) => entryOf(message, prefix)), more: messages.length === batchEntries };
    },
  };
}

function entryOf(message: Stored, prefix: string): BucketEntry {
  return {
    key: message.subject.slice(prefix.length),
    sequence: message.sequence,
    // A copy: the client's buffer is its own.
    value: Uint8Array.from(message.data),
    deleted: message.headers.get("KV-Operation") !== "",
  };
}

/** One request, many answers (nats-server 2.11, ADR-31): messages with their headers, and at the end one of status 204, or 404 alone. */
function batchGet(bus: Bus, stream: string, query: Readonly<Record<string, string | number>>): Promise<Stored[]> {
  const inbox = inboxOf(bus);
  return new Promise((resolve, reject) => {
    const messages: Stored[] = [];
    const timer = new AbortController();
    const end = (error?: Error) => {
      timer.abort();
      subscription.unsubscribe();
      if (error) reject(error);
      else resolve(messages);
    };
    const take = (error: Error | null, message: BusMessage) => {
      const headers = message?.headers;
      if (error) return end(error);
      if (headers === undefined) return end(new Error(`${stream} answered a batch without headers`));
      if (headers.code === 204 || headers.code === 404) return end();
      if (headers.code !== 0)
        return end(new Error(`reading ${stream}: the server answered ${headers.code} ${headers.description}`));
      messages.push({
        subject: headers.get("Nats-Subject"),
        sequence: Number(headers.get("Nats-Sequence")),
        data: message.data,
        headers,
      });
    };
    const subscription = bus.connection.subscribe(inbox, { callback: take });
    bus.clock.sleep(requestTimeoutMs, timer.signal).then(
      () => end(new Error(`reading ${stream}: no answer within ${requestTimeoutMs} ms`)),
      () => {},
    );
    bus.connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query), { reply: inbox });
  });
}
