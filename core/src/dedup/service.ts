// dedup: ingress -> inbound. Reads each (region, shard) of the ingress stream as a log in batches, and settles each batch (batch.ts).
// A group that a newer edge wrote stops its partition and raises an alarm; nothing else does.

import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { subjectsOf } from "@mio/shared/bus/client/jetstream-api.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { ingressSubject, ingressSubjects, parseIngressSubject } from "@mio/shared/bus/names/subjects.ts";
import { createBatches } from "@mio/shared/bus/read/batches.ts";
import type { LogRecord } from "@mio/shared/bus/read/log-source.ts";
import type { Task } from "@mio/shared/bus/read/work.ts";
import { createFencedPublisher } from "@mio/shared/bus/write/fenced-publish.ts";
import { snakeCase } from "@mio/shared/snake-case.ts";
import { shardsByRegion } from "../accounts/layouts.ts";
import { busOf } from "../bus/connect.ts";
import { createLogService, type LogService } from "../bus/log-service.ts";
import type { Service, ServiceContext } from "../service.ts";
import { type BatchTools, settleBatch } from "./batch.ts";
import { createNoteEdges } from "./edges.ts";
import { keepKeyDays } from "./key-days.ts";
import { unpublishedKeys } from "./keys.ts";
import { dedupMetrics } from "./metrics.ts";
import { type PlannedItem, planRecord } from "./plan.ts";

export const dedup: Service = { name: "dedup", run };

const stream = streams.ingress.name;
/** Shards that every configured region is taken to have before its first message; others are found on the stream. */
const shardsExpected = 2;
const layoutsIntervalMs = 2_000;
const daysIntervalMs = 3_600_000;
const backlogIntervalMs = 10_000;

async function run(context: ServiceContext): Promise<void> {
  const { log, db, clock, random, config } = context;
  const bus = busOf(context);
  const publisher = createFencedPublisher(bus, {
    stream: streams.inbound.name,
    beforeWrite: () => context.checkpoint("dedup.writing"),
  });
  const tools: BatchTools = {
    bus,
    db,
    publisher,
    noteEdges: createNoteEdges(db, clock.nowMs),
    checkpoint: context.checkpoint,
    settled: dedupMetrics(context).settled,
  };
  let unpublished = { rows: 0, oldest_seconds: 0 };
  let laidOut: readonly RegionShards[] = [];

  const service: LogService = createLogService(context, {
    name: "dedup",
    stream,
    input: "ingress",
    records: "records",
    partitions: () => partitionsOf(bus, [...expectedIn(config.regions), ...laidOut]),
    filterOf: subjectOfPartition,
    partitionOf: (record) => partitionOfSubject(record.subject),
    work: (work) =>
      createBatches(
        {
          clock,
          random,
          handle: (records, task) => handle(records, task, { context, service, tools }),
          onFailure: (error, attempt) => log.warn({ partition: work.partition, attempt, err: error }, "a batch is tried again"),
        },
        work,
      ),
    status: () => ({ unpublished, publisher: snakeCase(publisher.stats) }),
    committed: whenMoved(() => context.checkpoint("dedup.position_moved")),
  });

  await Promise.all([
    service.run(),
    repeat(context, daysIntervalMs, async () => {
      const { dropped, undatedDeleted } = await keepKeyDays(db, clock.nowMs());
      if (dropped.length + undatedDeleted > 0) log.info({ dropped, undated_deleted: undatedDeleted }, "old event keys dropped");
    }),
    // Beside the ownership's rounds, which must not wait for the database. A moved conversation finds its new partition owned.
    repeat(context, layoutsIntervalMs, async () => {
      // The shards that accounts' layouts name, which may have no message yet.
      laidOut = await shardsByRegion(db);
    }),
    repeat(context, backlogIntervalMs, async () => {
      const { rows, oldestSeconds } = await unpublishedKeys(db);
      unpublished = { rows, oldest_seconds: oldestSeconds };
    }),
  ]);
}

interface Batch {
  context: ServiceContext;
  service: LogService;
  tools: BatchTools;
}

/** Returns how many leading records are finished. */
async function handle(records: readonly LogRecord[], task: Task, { context, service, tools }: Batch): Promise<number> {
  const items: PlannedItem[] = [];
  let finished = 0;
  for (const record of records) {
    const plan = planRecord(record, stream);
    if (plan.kind === "newer_version") {
      const reason = `record ${record.sequence} was written by a newer edge (version ${plan.version}); deploy a newer core`;
      service.standsStill(task.partition, reason);
      context.log.error(
        { partition: task.partition, sequence: record.sequence, version: plan.version },
        "a newer edge wrote this; dedup waits for a newer core",
      );
      break;
    }
    items.push(...plan.items);
    finished += 1;
  }
  if (finished === records.length) service.goesOn(task.partition);
  if (items.length > 0) await settleBatch(items, tools, task);
  return finished;
}

/** A position is also written, as a sign of life, where it stood. */
function whenMoved(moved: () => Promise<void>): (partition: string, position: number) => Promise<void> {
  const positions = new Map<string, number>();
  return async (partition, position) => {
    if (positions.get(partition) === position) return;
    positions.set(partition, position);
    await moved();
  };
}

interface RegionShards {
  region: string;
  shards: number;
}

function expectedIn(regions: readonly string[]): RegionShards[] {
  return regions.map((region) => ({ region, shards: shardsExpected }));
}

async function partitionsOf(bus: Bus, regions: readonly RegionShards[]): Promise<string[]> {
  const found = await subjectsOf(bus, streams.ingress.name, ingressSubjects);
  const expected = regions.flatMap(({ region, shards }) =>
    Array.from({ length: shards }, (_, shard) => ingressSubject(region, shard)),
  );
  return [...new Set([...found, ...expected])].flatMap((subject) => partitionOfSubject(subject) ?? []);
}

/** `<region>.<shard>`, as the bucket of positions names it. */
function partitionOfSubject(subject: string): string | undefined {
  const parsed = parseIngressSubject(subject);
  return parsed && `${parsed.region}.${parsed.shard}`;
}

function subjectOfPartition(partition: string): string {
  const [region = "", shard = ""] = partition.split(".");
  return ingressSubject(region, Number(shard));
}

/** At once and then in intervals; a failure is logged and the next turn tries again. */
async function repeat({ clock, log, signal }: ServiceContext, intervalMs: number, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work().catch((error: unknown) => log.warn({ err: error }, "a periodic task failed"));
    await clock.sleep(intervalMs, signal).catch(() => {});
  }
}
