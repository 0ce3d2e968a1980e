// Makes the server match streams.ts: creates what is missing, brings limits and subjects up to date, and says what differs that it may
// not change. It never deletes, never lowers replicas, and never lets a stream discard old messages.
import { failureOf } from "@mio/shared/bus/client/bus-client.ts";
import type { BusConnection } from "@mio/shared/bus/client/connection.ts";
import { apiRequest, type Connected, JetStreamError, jetStreamErrors } from "@mio/shared/bus/client/jetstream-api.ts";
import {
  createDurable,
  createStream,
  durableOf,
  nanosecondsPerMs,
  type StreamConfig,
  streamOf,
  updateStream,
} from "@mio/shared/bus/client/stream-admin.ts";
import {
  type BucketSpec,
  bucketStream,
  bucketSubject,
  buckets,
  type StreamSpec,
  streams,
} from "@mio/shared/bus/names/streams.ts";
import * as v from "valibot";
import type { Config } from "../process/config.ts";

interface ProvisionReport {
  created: string[];
  updated: string[];
  /** What differs and is left alone, each as a sentence for the operator. */
  differences: string[];
}

/** Rejects with what to do when the server has too little room, or a stream that would delete unread messages. */
export async function provisionBus(
  connection: BusConnection,
  config: Pick<Config, "streamReplicas" | "streamBytesMax">,
): Promise<ProvisionReport> {
  const bus = { connection };
  await requireJetStream(bus);
  const report: ProvisionReport = { created: [], updated: [], differences: [] };
  const weights = Object.values(streams).reduce((sum, spec) => sum + spec.bytesWeight, 0);
  for (const spec of Object.values(streams)) {
    const maxBytes = Math.floor((config.streamBytesMax / weights) * spec.bytesWeight);
    await provisionStream(bus, streamConfigOf(spec, maxBytes, config.streamReplicas), report);
    for (const durable of spec.durables) await provisionDurable(bus, spec.name, durable, report);
  }
  for (const spec of Object.values(buckets)) await provisionStream(bus, bucketConfigOf(spec, config.streamReplicas), report);
  return report;
}

async function requireJetStream(bus: Connected): Promise<void> {
  await apiRequest(bus, "INFO", undefined, v.unknown()).catch((error: unknown) => {
    if (failureOf(error) !== "nobody_listens") throw error;
    throw new Error("nats-server has no JetStream; start it with --jetstream, or with a jetstream block in its configuration", {
      cause: error,
    });
  });
}

/** One bucket alone, for who writes to it and finds it deleted. */
export async function provisionBucket(bus: Connected, spec: BucketSpec, replicas: number): Promise<void> {
  await provisionStream(bus, bucketConfigOf(spec, replicas), { created: [], updated: [], differences: [] });
}

function streamConfigOf(spec: StreamSpec, maxBytes: number, replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: spec.name,
    subjects: [...spec.subjects],
    retention: spec.retention === "workqueue" ? "workqueue" : "limits",
    max_age: nanosecondsOf(spec.maxAgeSeconds),
    duplicate_window: nanosecondsOf(spec.dedupeWindowSeconds),
    max_bytes: maxBytes,
    num_replicas: replicas,
    storage: "file",
    discard: "new",
    allow_direct: true,
  };
}

/** The layout that clients know as a key-value bucket: the last value of each key. */
function bucketConfigOf(spec: BucketSpec, replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: bucketStream(spec.name),
    subjects: [bucketSubject(spec.name, ">")],
    retention: "limits",
    max_msgs_per_subject: 1,
    max_bytes: spec.maxBytes,
    max_msg_size: spec.maxValueBytes,
    num_replicas: replicas,
    storage: "file",
    discard: "new",
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  };
}

async function provisionStream(
  bus: Connected,
  wanted: Partial<StreamConfig> & { name: string },
  report: ProvisionReport,
): Promise<void> {
  const found = await streamOf(bus, wanted.name);
  if (!found) {
    await explained(wanted, createStream(bus, wanted));
    report.created.push(wanted.name);
    return;
  }
  const present = found.config;
  if (present.discard !== "new" && present.max_msgs_per_subject !== 1) {
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
    // A shorter age would delete at once what somebody may not have read; 0 keeps for ever.
    const keepsLonger = present.max_age === 0 || present.max_age > (wanted.max_age ?? 0);
    if (keepsLonger && wanted.max_age)
      report.differences.push(`${wanted.name}: keeps messages longer than configured; shorten it by hand`);
    else change.max_age = wanted.max_age ?? 0;
  }
  if (wanted.duplicate_window !== undefined && present.duplicate_window !== wanted.duplicate_window)
    change.duplicate_window = wanted.duplicate_window;
  if (present.discard !== "new") change.discard = "new";
  if (!present.allow_direct) change.allow_direct = true;
  const missing = (wanted.subjects ?? []).filter((subject) => !present.subjects.includes(subject));
  if (missing.length > 0) change.subjects = [...present.subjects, ...missing];
  const foreign = present.subjects.filter((subject) => !wanted.subjects?.includes(subject));
  if (foreign.length > 0) report.differences.push(`${wanted.name}: also takes ${foreign.join(", ")}, which is left as it is`);
  if (Object.keys(change).length === 0) return;
  await explained(wanted, updateStream(bus, { ...present, ...change }));
  report.updated.push(`${wanted.name}: ${Object.keys(change).join(", ")}`);
}

/** For readers outside. One that is there is left as it is: an update could move somebody's position. */
async function provisionDurable(
  bus: Connected,
  stream: string,
  durable: { name: string; filterSubject: string },
  report: ProvisionReport,
): Promise<void> {
  const found = await durableOf(bus, stream, durable.name);
  if (!found) {
    await createDurable(bus, stream, {
      durable_name: durable.name,
      filter_subject: durable.filterSubject,
      ack_policy: "explicit",
      deliver_policy: "all",
    });
    report.created.push(`${stream}/${durable.name}`);
  } else if (found.filterSubject !== durable.filterSubject) {
    report.differences.push(`${stream}/${durable.name}: reads ${found.filterSubject}, not ${durable.filterSubject}`);
  }
}

async function explained<T>(wanted: { name: string; max_bytes?: number }, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const noRoom: readonly number[] = [jetStreamErrors.noDiskSpace, jetStreamErrors.noMemory];
    if (!(error instanceof JetStreamError && noRoom.includes(error.code))) throw error;
    throw new Error(
      `nats-server has no room left for stream ${wanted.name} (${wanted.max_bytes} bytes): raise its jetstream max_file_store, or lower MIO_STREAM_BYTES_MAX`,
      { cause: error },
    );
  }
}

function nanosecondsOf(seconds: number): number {
  return seconds * 1_000 * nanosecondsPerMs;
}
