// Streams and their durable consumers as the server has them: looked at, made, changed. What they should be is decided elsewhere.
import * as v from "valibot";
import { apiRequest, type Connected, JetStreamError, jetStreamErrors } from "./jetstream-api.ts";

/** The server's unit of time. */
export const nanosecondsPerMs = 1_000_000;

const streamConfig = v.looseObject({
  name: v.string(),
  subjects: v.optional(v.array(v.string()), []),
  retention: v.string(),
  storage: v.string(),
  discard: v.string(),
  max_age: v.number(),
  max_bytes: v.number(),
  max_msgs_per_subject: v.number(),
  num_replicas: v.number(),
  duplicate_window: v.optional(v.number(), 0),
  allow_direct: v.optional(v.boolean(), false),
});
const streamFound = v.object({
  /** As the server writes it: which of all streams that ever had this name it is. */
  created: v.string(),
  config: streamConfig,
  state: v.object({ bytes: v.number(), first_seq: v.number(), last_seq: v.number() }),
});
const consumerFound = v.object({
  config: v.object({ filter_subject: v.optional(v.string(), "") }),
  delivered: v.object({ consumer_seq: v.number() }),
});

/** By the server's own names; what is not named here comes back from the server as it went. Ages in nanoseconds. */
export type StreamConfig = v.InferOutput<typeof streamConfig>;
export type FoundStream = v.InferOutput<typeof streamFound>;

export interface DurableConfig {
  durable_name: string;
  filter_subject: string;
  ack_policy: "explicit";
  deliver_policy: "all";
  /** Nanoseconds. */
  ack_wait?: number;
  max_ack_pending?: number;
  max_deliver?: number;
}

/** Undefined when there is none. */
export function streamOf(bus: Connected, name: string): Promise<FoundStream | undefined> {
  return unlessAbsent(jetStreamErrors.streamNotFound, apiRequest(bus, `STREAM.INFO.${name}`, undefined, streamFound));
}

export async function createStream(bus: Connected, config: Partial<StreamConfig> & { name: string }): Promise<void> {
  await apiRequest(bus, `STREAM.CREATE.${config.name}`, config, v.unknown());
}

/** All of a configuration: what it leaves out, the server resets. */
export async function updateStream(bus: Connected, config: StreamConfig): Promise<void> {
  await apiRequest(bus, `STREAM.UPDATE.${config.name}`, config, v.unknown());
}

/** Its filter, and how often it has delivered; undefined when there is none. */
export async function durableOf(
  bus: Connected,
  stream: string,
  name: string,
): Promise<{ filterSubject: string; deliveries: number } | undefined> {
  const asked = apiRequest(bus, `CONSUMER.INFO.${stream}.${name}`, undefined, consumerFound);
  const found = await unlessAbsent(jetStreamErrors.consumerNotFound, asked);
  return found && { filterSubject: found.config.filter_subject, deliveries: found.delivered.consumer_seq };
}

/** Rejects when another one has the name. */
export async function createDurable(bus: Connected, stream: string, config: DurableConfig): Promise<void> {
  const { durable_name: name, filter_subject: filter } = config;
  const body = { stream_name: stream, config: { name, ...config }, action: "create" };
  await apiRequest(bus, `CONSUMER.CREATE.${stream}.${name}.${filter}`, body, v.unknown());
}

/** Also when there is none. */
export async function deleteDurable(bus: Connected, stream: string, name: string): Promise<void> {
  const deleted = apiRequest(bus, `CONSUMER.DELETE.${stream}.${name}`, undefined, v.unknown());
  await unlessAbsent(jetStreamErrors.consumerNotFound, deleted);
}

async function unlessAbsent<T>(code: number, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof JetStreamError && error.code === code) return undefined;
    throw error;
  }
}
