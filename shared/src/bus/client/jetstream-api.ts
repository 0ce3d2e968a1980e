// JetStream's own protocol over plain requests: publish with an acknowledgement, read one stored message, read a bucket's key.
// Every answer of the server is parsed here, once; an error of the API becomes a JetStreamError with the server's number.
import * as v from "valibot";
import { expectedLastSubjectSequenceHeader, messageIdHeader } from "../names/headers.ts";
import type { Bus, BusHeaders, BusMessage } from "./connection.ts";

/** The server's own numbers (nats-server `server/errors.json`), for those that mean something to us. */
export const jetStreamErrors = {
  wrongLastSequence: 10071,
  /** The same refusal by a cluster whose earlier publish is still in flight. */
  wrongLastSequenceInFlight: 10164,
  duplicateInProcess: 10158,
  messageTooLarge: 10054,
  streamNotFound: 10059,
  consumerNotFound: 10014,
  noDiskSpace: 10047,
  noMemory: 10028,
} as const;

export class JetStreamError extends Error {
  override readonly name = "JetStreamError";
  readonly code: number;
  constructor(code: number, description: string, doing: string) {
    super(`${doing}: ${description} (${code})`);
    this.code = code;
  }
}

export type PubAck =
  | { kind: "stored"; sequence: number }
  | { kind: "duplicate"; sequence: number }
  | { kind: "refused"; code: number; description: string };

export interface PublishOptions {
  timeoutMs: number;
  messageId?: string;
  /** Stored only when the last message of this subject has this sequence; 0: when there is none. */
  expectedLastSubjectSequence?: number;
  headers?: Readonly<Record<string, string>>;
}

const apiError = v.object({ err_code: v.optional(v.number(), 0), description: v.optional(v.string(), "no reason given") });
const pubAck = v.union([v.object({ error: apiError }), v.object({ seq: v.number(), duplicate: v.optional(v.boolean(), false) })]);

/** Publishes to a stream and waits for its answer. Rejects on timeout or when no stream listens: the outcome is then unknown. */
export async function publishAcked(bus: Bus, subject: string, data: Uint8Array, options: PublishOptions): Promise<PubAck> {
  const headers = bus.headers();
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  if (options.messageId !== undefined) headers.set(messageIdHeader, options.messageId);
  const expected = options.expectedLastSubjectSequence;
  if (expected !== undefined) headers.set(expectedLastSubjectSequenceHeader, String(expected));
  const reply = await bus.connection.request(subject, data, { timeout: options.timeoutMs, headers });
  const ack = v.parse(pubAck, jsonOf(reply));
  if ("error" in ack) return { kind: "refused", code: ack.error.err_code, description: ack.error.description };
  return { kind: ack.duplicate ? "duplicate" : "stored", sequence: ack.seq };
}

/** True for a refusal that means: look at the subject's last message before anything else. */
export function isFenceRefusal(code: number): boolean {
  const { wrongLastSequence, wrongLastSequenceInFlight, duplicateInProcess } = jetStreamErrors;
  return code === wrongLastSequence || code === wrongLastSequenceInFlight || code === duplicateInProcess;
}

export interface StoredMessage {
  subject: string;
  sequence: number;
  storedAtMs: number;
  data: Uint8Array;
  headers: BusHeaders;
}

/**
 * The last message of one subject, or undefined when there is none. A direct get: any replica may answer, also one that is
 * behind, so the answer is a hint until a fenced write confirms it.
 */
export function lastMessageOf(bus: Bus, stream: string, subject: string, timeoutMs: number): Promise<StoredMessage | undefined> {
  return directGet(bus, `$JS.API.DIRECT.GET.${stream}.${subject}`, undefined, timeoutMs);
}

/** One message by what the server can search for: `{seq}`, `{seq, next_by_subj}` or `{start_time, next_by_subj}`. */
export function messageOf(
  bus: Bus,
  stream: string,
  query: Readonly<Record<string, string | number>>,
  timeoutMs: number,
): Promise<StoredMessage | undefined> {
  return directGet(bus, `$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query), timeoutMs);
}

async function directGet(
  bus: Bus,
  subject: string,
  query: string | undefined,
  timeoutMs: number,
): Promise<StoredMessage | undefined> {
  const reply = await bus.connection.request(subject, query ?? new Uint8Array(0), { timeout: timeoutMs });
  const headers = reply.headers;
  if (headers === undefined) throw new Error(`the answer to ${subject} carries no headers; the stream must allow direct gets`);
  if (headers.code === 404) return undefined;
  if (headers.code !== 0) throw new Error(`reading ${subject}: the server answered ${headers.code} ${headers.description}`);
  return {
    subject: headers.get("Nats-Subject"),
    sequence: Number(headers.get("Nats-Sequence")),
    storedAtMs: Date.parse(headers.get("Nats-Time-Stamp")),
    data: reply.data,
    headers,
  };
}

/** All that a request of the API needs. */
export type Connected = Pick<Bus, "connection">;

/** One request to `$JS.API.<what>`; throws JetStreamError when the server refuses, ValiError when it answers something else. */
export async function apiRequest<T>(
  bus: Connected,
  what: string,
  body: unknown,
  schema: v.GenericSchema<unknown, T>,
  timeoutMs = 5_000,
): Promise<T> {
  const payload = body === undefined ? new Uint8Array(0) : JSON.stringify(body);
  const answer = jsonOf(await bus.connection.request(`$JS.API.${what}`, payload, { timeout: timeoutMs }));
  const refused = v.safeParse(v.object({ error: apiError }), answer);
  if (refused.success) throw new JetStreamError(refused.output.error.err_code, refused.output.error.description, what);
  return v.parse(schema, answer);
}

const streamInfo = v.object({
  created: v.pipe(
    v.string(),
    v.transform((text) => Date.parse(text)),
    v.number(),
  ),
  state: v.object({ last_seq: v.number(), subjects: v.optional(v.record(v.string(), v.number()), {}) }),
});

export interface StreamState {
  lastSequence: number;
  /** Creation time in whole ms: a restored stream keeps it, one that was recreated has another. Undefined for who may not ask. */
  streamEpochMs?: number;
}

/** How far a stream goes and which one it is, from its leader. */
export async function streamStateOf(bus: Bus, stream: string): Promise<Required<StreamState>> {
  const { created, state } = await apiRequest(bus, `STREAM.INFO.${stream}`, undefined, streamInfo);
  return { lastSequence: state.last_seq, streamEpochMs: created };
}

/** The subjects under a filter that hold messages; at most 100,000, the server's own page. */
export async function subjectsOf(bus: Bus, stream: string, filter: string): Promise<string[]> {
  return Object.keys((await apiRequest(bus, `STREAM.INFO.${stream}`, { subjects_filter: filter }, streamInfo)).state.subjects);
}

function jsonOf(message: BusMessage): unknown {
  return JSON.parse(new TextDecoder().decode(message.data));
}
