// dedup: ingress -> inbound. Reads each (region, shard) of the ingress stream as a log in batches, and settles each batch (batch.ts).
// A group that a newer edge wrote stops its partition and raises an alarm; nothing else does.

import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { streamStateOf, subjectsOf } from "@mio/shared/bus/client/jetstream-api.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { ingressSubject, ingressSubjects, parseIngressSubject } from "@mio/shared/bus/names/subjects.ts";
import { createBatches } from "@mio/shared/bus/read/batches.ts";
import { createLogReader } from "@mio/shared/bus/read/log-reader.ts";
import type { LogRecord } from "@mio/shared/bus/read/log-source.ts";
import { ownershipTimes } from "@mio/shared/bus/read/ownership.ts";
import type { Task } from "@mio/shared/bus/read/work.ts";
import { createFencedPublisher } from "@mio/shared/bus/write/fenced-publish.ts";
import { snakeCase } from "@mio/shared/snake-case.ts";
import type { Pool } from "pg";
import * as v from "valibot";
import { busOf } from "../bus/connect.ts";
import type { Service, ServiceContext } from "../service.ts";
import { type BatchTools, settleBatch } from "./batch.ts";
import { createNoteEdges } from "./edges.ts";
import { keepKeyDays } from "./key-days.ts";
import { unpublishedKeys } from "./keys.ts";
import { dedupMetrics } from "./metrics.ts";
import { type PlannedItem, planRecord } from "./plan.ts";

export const dedup: Service = { name: "dedup", run };

/** Shards that every configured region is taken to have before its first message; others are found on the stream. */
const shardsExpected = 2;
const layoutRows = v.array(v.object({ region: v.string(), shards: v.number() }));
const layoutsIntervalMs = 2_000;
const daysIntervalMs = 3_600_000;
const backlogIntervalMs = 10_000;

async function run(context: ServiceContext): Promise<void> {
  const { log, db, clock, random, config, signal } = context;
  const bus = busOf(context);
  const stream = streams.ingress.name;
  const publisher = createFencedPublisher(bus, {
    stream: streams.inbound.name,
    beforeWrite: () => context.checkpoint("dedup.writing"),
  });
  const state = {
    unpublished: { rows: 0, oldest_seconds: 0 },
    lost_unread: 0,
    stream_recreated: 0,
    alarms: new Map<string, string>(),
  };
  const { settled } = dedupMetrics(context);
  const tools: BatchTools = {
    bus,
    db,
    publisher,
    noteEdges: createNoteEdges(db, clock.nowMs),
    checkpoint: context.checkpoint,
    settled,
  };
  const positions = new Map<string, number>();
  let laidOut: readonly RegionShards[] = [];

  const reader = createLogReader(bus, {
    stream,
    group: "dedup",
    instance: context.instance,
    partitions: () => partitionsOf(bus, [...expectedIn(config.regions), ...laidOut]),
    filterOf: (partition) => subjectOfPartition(partition),
    partitionOf: (record) => partitionOfSubject(record.subject),
    streamState: () => streamStateOf(bus, stream),
    times: { ...ownershipTimes, ...config.ownership },
    work: (work) =>
      createBatches(
        {
          clock,
          random,
          handle: (records, task) => handle(records, task),
          onFailure: (error, attempt) => log.warn({ partition: work.partition, attempt, err: error }, "a batch is tried again"),
        },
        work,
      ),
    events: {
      trouble: (error) => log.warn({ err: error }, "reading ingress"),
      gained: (partition, epoch) => log.info({ partition, epoch }, "partition claimed"),
      gone: (partition, reason) => {
        state.alarms.delete(partition);
        log.info({ partition, reason }, "partition gone");
      },
      lostUnread: (filter, from, count) => {
        state.lost_unread += count;
        log.error({ filter, from, count }, "ingress records left the stream unread");
      },
      behind: (filter, wanted, reached) => {
        state.alarms.set(
          partitionOfSubject(filter) ?? filter,
          `the stream ends at ${reached}, before our position ${wanted - 1}`,
        );
        log.error({ filter, wanted, reached }, "the ingress stream was restored; reset the positions of dedup");
      },
      streamRecreated: (partition, position) => {
        state.stream_recreated += 1;
        log.error({ partition, position }, "the ingress stream was deleted and recreated; reading the new one from its start");
      },
      committed: async (partition, position) => {
        if (positions.get(partition) === position) return;
        positions.set(partition, position);
        await context.checkpoint("dedup.position_moved");
      },
    },
  });

  context.status("dedup", () => ({
    partitions: reader.status(),
    unpublished: state.unpublished,
    lost_unread: state.lost_unread,
    stream_recreated: state.stream_recreated,
    alarms: Object.fromEntries(state.alarms),
    publisher: snakeCase(publisher.stats),
  }));
  context.readiness(() => (state.alarms.size === 0 ? undefined : `dedup stands still: ${[...state.alarms.values()].join("; ")}`));

  await Promise.all([
    reader.run(signal),
    repeat(context, daysIntervalMs, async () => {
      const { dropped, undatedDeleted } = await keepKeyDays(db, clock.nowMs());
      if (dropped.length + undatedDeleted > 0) log.info({ dropped, undated_deleted: undatedDeleted }, "old event keys dropped");
    }),
    // Beside the ownership's rounds, which must not wait for the database. A moved conversation finds its new partition owned.
    repeat(context, layoutsIntervalMs, async () => {
      laidOut = await laidOutShards(db);
    }),
    repeat(context, backlogIntervalMs, async () => {
      const { rows, oldestSeconds } = await unpublishedKeys(db);
      state.unpublished = { rows, oldest_seconds: oldestSeconds };
    }),
  ]);

  /** Returns how many leading records are finished. */
  async function handle(records: readonly LogRecord[], task: Task): Promise<number> {
    const items: PlannedItem[] = [];
    let finished = 0;
    for (const record of records) {
      const plan = planRecord(record, stream);
      if (plan.kind === "newer_version") {
        const reason = `record ${record.sequence} was written by a newer edge (version ${plan.version}); deploy a newer core`;
        state.alarms.set(task.partition, reason);
        log.error(
          { partition: task.partition, sequence: record.sequence, version: plan.version },
          "a newer edge wrote this; dedup waits for a newer core",
        );
        break;
      }
      items.push(...plan.items);
      finished += 1;
    }
    if (finished === records.length) state.alarms.delete(task.partition);
    if (items.length > 0) await settleBatch(items, tools, task);
    return finished;
  }
}

interface RegionShards {
  region: string;
  shards: number;
}

function expectedIn(regions: readonly string[]): RegionShards[] {
  return regions.map((region) => ({ region, shards: shardsExpected }));
}

/** The shards that accounts' layouts name, which may have no message yet. */
async function laidOutShards(db: Pool): Promise<RegionShards[]> {
  const { rows } = await db.query("select home_region as region, max(shard_count) as shards from accounts group by home_region");
  return v.parse(layoutRows, rows);
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
