// Streams and buckets as data: the provisioner makes the server match this file, and nothing else names a limit.
// Discard is always "new": a full stream refuses, so its writers wait; the default would delete unread messages.
import { conversationSubjects, deadLetterSubjects, ingressSubjects, quarantineSubjects } from "./subjects.ts";

const hour = 3_600;
const day = 24 * hour;
const mebibyte = 1024 * 1024;

export interface StreamSpec {
  name: string;
  subjects: readonly string[];
  retention: "limits" | "workqueue";
  maxAgeSeconds: number;
  dedupeWindowSeconds: number;
  /** Share of the configured disk budget, in parts of all streams' weights. */
  bytesWeight: number;
  durables: readonly DurableSpec[];
}

/** Durables that programs outside this project look for. Our own services read by position instead, the sender's intake aside. */
export interface DurableSpec {
  name: string;
  filterSubject: string;
}

/** The one durable that is ours: the sender's intake recreates it whenever it begins. */
export const senderDurable: DurableSpec = { name: "sender-pool", filterSubject: conversationSubjects("outbound") };

export const streams = {
  ingress: stream("MIO_INGRESS", [ingressSubjects], { maxAgeSeconds: 72 * hour, bytesWeight: 8 }),
  inbound: stream("MESSAGES_INBOUND", [conversationSubjects("inbound")], {
    bytesWeight: 6,
    durables: [
      { name: "media-vault", filterSubject: conversationSubjects("inbound") },
      { name: "gcs-archiver", filterSubject: conversationSubjects("inbound") },
    ],
  }),
  enriched: stream("MESSAGES_INBOUND_ENRICHED", [conversationSubjects("inbound_enriched")], {
    dedupeWindowSeconds: 1 * hour,
    bytesWeight: 6,
    durables: [
      { name: "ai-consumer-enriched", filterSubject: conversationSubjects("inbound_enriched") },
      { name: "channel-pulse", filterSubject: conversationSubjects("inbound_enriched") },
    ],
  }),
  outbound: stream("MESSAGES_OUTBOUND", [conversationSubjects("outbound")], {
    retention: "workqueue",
    maxAgeSeconds: 24 * hour,
    bytesWeight: 4,
    durables: [senderDurable],
  }),
  receipt: stream("MIO_RECEIPTS", [conversationSubjects("receipt")], { bytesWeight: 4 }),
  attachment: stream("MIO_ATTACHMENTS", [conversationSubjects("attachment")], { bytesWeight: 1 }),
  deadLetter: stream("MIO_DEAD_LETTERS", [deadLetterSubjects], { bytesWeight: 1 }),
  quarantine: stream("MIO_QUARANTINE", [quarantineSubjects], { bytesWeight: 1 }),
} as const satisfies Record<string, StreamSpec>;

export interface BucketSpec {
  name: string;
  maxBytes: number;
  maxValueBytes: number;
}

export const buckets = {
  /** Routes and live secrets for the edge; keys hash the route. */
  directory: { name: "mio_directory", maxBytes: 256 * mebibyte, maxValueBytes: mebibyte },
  /** Owner and position of each partition: `<group>.<partition>`. */
  positions: { name: "mio_positions", maxBytes: 64 * mebibyte, maxValueBytes: mebibyte },
} as const satisfies Record<string, BucketSpec>;

/** The stream that clients know as the bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

/** Where a key's values are published; `>` for all keys. */
export function bucketSubject(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** nats-server older than this loses data on sourcing or restart; checked at start. */
export const natsServerVersionMinimum = "2.12.8";

function stream(name: string, subjects: readonly string[], rest: Partial<StreamSpec>): StreamSpec {
  return {
    name,
    subjects,
    retention: "limits",
    maxAgeSeconds: 7 * day,
    dedupeWindowSeconds: 120,
    bytesWeight: 1,
    durables: [],
    ...rest,
  };
}
