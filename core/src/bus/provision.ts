// Makes the server match streams.ts: creates what is missing, brings limits and subjects up to date, and says what differs that it may
// not change. It never deletes, never lowers replicas, and never lets a stream discard old messages.
import { type BucketSpec, buckets, type StreamSpec, streams } from "@mio/shared/bus/names/streams.ts";
import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import type { Config } from "../process/config.ts";

interface ProvisionReport {
  created: string[];
  updated: string[];
  /** What differs and is left alone, each as a sentence for the operator. */
  differences: string[];
}

const errors = { streamNotFound: 10059, consumerNotFound: 10014, noDiskSpace: 10047, noMemory: 10028 };

/** Rejects with what to do when the server has too little room, or a stream that would delete unread messages. */
export async function provisionBus(
  nats: NatsConnection,
  config: Pick<Config, "streamReplicas" | "streamBytesMax">,
): Promise<ProvisionReport> {
  const manager = await nats.jetstreamManager();
  const report: ProvisionReport = { created: [], updated: [], differences: [] };
  const weights = Object.values(streams).reduce((sum, spec) => sum + spec.bytesWeight, 0);
  for (const spec of Object.values(streams)) {
    const maxBytes = Math.floor((config.streamBytesMax / weights) * spec.bytesWeight);
    await provisionStream(manager, streamConfigOf(spec, maxBytes, config.streamReplicas), report);
    for (const durable of spec.durables) await provisionDurable(manager, spec.name, durable, report);
  }
  for (const spec of Object.values(buckets)) await provisionStream(manager, bucketConfigOf(spec, config.streamReplicas), report);
  return report;
}

/** One bucket alone, for who writes to it and finds it deleted. */
export async function provisionBucket(nats: NatsConnection, spec: BucketSpec, replicas: number): Promise<void> {
  const manager = await nats.jetstreamManager({ checkAPI: false });
  await provisionStream(manager, bucketConfigOf(spec, replicas), { created: [], updated: [], differences: [] });
}

function streamConfigOf(spec: StreamSpec, maxBytes: number, replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: spec.name,
    subjects: [...spec.subjects],
    retention: spec.retention === "workqueue" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    max_age: nanos(spec.maxAgeSeconds * 1_000),
    duplicate_window: nanos(spec.dedupeWindowSeconds * 1_000),
    max_bytes: maxBytes,
    num_replicas: replicas,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    allow_direct: true,
  };
}

/** The layout that clients know as a key-value bucket: the last value of each key. */
function bucketConfigOf(spec: BucketSpec, replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: `KV_${spec.name}`,
    subjects: [`$KV.${spec.name}.>`],
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: 1,
    max_bytes: spec.maxBytes,
    max_msg_size: spec.maxValueBytes,
    num_replicas: replicas,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  };
}

async function provisionStream(
  manager: JetStreamManager,
  wanted: Partial<StreamConfig> & { name: string },
  report: ProvisionReport,
): Promise<void> {
  const found = await absentAs(errors.streamNotFound, manager.streams.info(wanted.name));
  if (!found) {
    await explained(wanted, manager.streams.add(wanted));
    report.created.push(wanted.name);
    return;
  }
  const present = found.config;
  if (present.discard !== DiscardPolicy.New && present.max_msgs_per_subject !== 1) {
    throw new Error(
      `stream ${wanted.name} discards old messages, also unread ones; set its discard policy to "new" before anything is written to it`,
    );
  }
  for (const fixed of ["retention", "storage"] as const) {
    if (present[fixed] !== wanted[fixed])
      report.differences.push(`${wanted.name}: ${fixed} is ${present[fixed]}, not ${wanted[fixed]}; it cannot be changed`);
  }
  const change: Partial<StreamConfig> = {};
  if (present.num_replicas > (wanted.num_replicas ?? 1)) {
    report.differences.push(
      `${wanted.name}: has ${present.num_replicas} replicas, more than ${wanted.num_replicas}; they are never lowered here`,
    );
  } else if (present.num_replicas < (wanted.num_replicas ?? 1)) change.num_replicas = wanted.num_replicas ?? 1;
  if (present.max_bytes > (wanted.max_bytes ?? 0) && found.state.bytes > (wanted.max_bytes ?? 0)) {
    report.differences.push(
      `${wanted.name}: holds ${found.state.bytes} bytes, more than its new limit of ${wanted.max_bytes}; the limit stays until it holds less`,
    );
  } else if (present.max_bytes !== wanted.max_bytes) change.max_bytes = wanted.max_bytes ?? -1;
  if (present.max_age !== (wanted.max_age ?? 0)) {
    // A shorter age would delete at once what somebody may not have read.
    if (present.max_age > (wanted.max_age ?? 0) && wanted.max_age)
      report.differences.push(`${wanted.name}: keeps messages longer than configured; shorten it by hand`);
    else change.max_age = wanted.max_age ?? 0;
  }
  if (wanted.duplicate_window !== undefined && present.duplicate_window !== wanted.duplicate_window)
    change.duplicate_window = wanted.duplicate_window;
  if (present.discard !== DiscardPolicy.New) change.discard = DiscardPolicy.New;
  if (!present.allow_direct) change.allow_direct = true;
  const missing = (wanted.subjects ?? []).filter((subject) => !present.subjects.includes(subject));
  if (missing.length > 0) change.subjects = [...present.subjects, ...missing];
  const foreign = present.subjects.filter((subject) => !wanted.subjects?.includes(subject));
  if (foreign.length > 0) report.differences.push(`${wanted.name}: also takes ${foreign.join(", ")}, which is left as it is`);
  if (Object.keys(change).length === 0) return;
  await explained(wanted, manager.streams.update(wanted.name, change));
  report.updated.push(`${wanted.name}: ${Object.keys(change).join(", ")}`);
}

/** For readers outside. One that is there is left as it is: an update could move somebody's position. */
async function provisionDurable(
  manager: JetStreamManager,
  stream: string,
  durable: { name: string; filterSubject: string },
  report: ProvisionReport,
): Promise<void> {
  const found = await absentAs(errors.consumerNotFound, manager.consumers.info(stream, durable.name));
  if (!found) {
    await manager.consumers.add(stream, {
      durable_name: durable.name,
      filter_subject: durable.filterSubject,
      ack_policy: AckPolicy.Explicit,
    });
    report.created.push(`${stream}/${durable.name}`);
  } else if (found.config.filter_subject !== durable.filterSubject) {
    report.differences.push(`${stream}/${durable.name}: reads ${found.config.filter_subject}, not ${durable.filterSubject}`);
  }
}

async function explained<T>(wanted: { name: string; max_bytes?: number }, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = codeOf(error);
    if (code !== errors.noDiskSpace && code !== errors.noMemory) throw error;
    throw new Error(
      `nats-server has no room left for stream ${wanted.name} (${wanted.max_bytes} bytes): raise its jetstream max_file_store, or lower MIO_STREAM_BYTES_MAX`,
      { cause: error },
    );
  }
}

async function absentAs<T>(code: number, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === code) return undefined;
    throw error;
  }
}

function codeOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}
