// Reading in order: the partitions of a group, each owned by one replica and read as a log from its committed position. Puts together
// who reads (ownership), the log itself (log-source) and the work (lanes or batches). The position moves only over finished records.
import type { Bus } from "../client/connection.ts";
import type { StreamState } from "../client/jetstream-api.ts";
import { buckets } from "../names/streams.ts";
import { type LogEvent, type LogRecord, type LogSource, openLogSource } from "./log-source.ts";
import type { HeldPartition } from "./ownership/keep.ts";
import { type OwnershipTimes, ownershipTimes } from "./ownership/times.ts";
import { ownPartitions } from "./ownership.ts";
import { type PositionTracker, trackPosition } from "./position.ts";
import { positionStore } from "./position-store.ts";
import type { Work, WorkContext } from "./work.ts";

export interface LogReaderOptions {
  stream: string;
  /** Name in the bucket of positions; a change of it reads everything again. */
  group: string;
  instance: string;
  /** All partitions that there are; asked at every round, so it may grow. */
  partitions: () => Promise<readonly string[]> | readonly string[];
  /** The subject filter that a partition is read with. Partitions of one filter share one consumer. */
  filterOf: (partition: string) => string;
  partitionOf: (record: LogRecord) => string | undefined;
  work: (context: WorkContext) => Work;
  /** See LogSourceOptions. Where it says the stream's epoch, a recreated stream is noticed for certain and read from its start. */
  streamState?: () => Promise<StreamState>;
  times?: OwnershipTimes;
  /** How long a partition's running work may finish when it is given back. */
  graceMs?: number;
  events?: LogReaderEvents;
}

export interface LogReaderEvents {
  trouble?(error: unknown): void;
  gained?(partition: string, epoch: number): void;
  /** `reason`: given back, or taken by another owner. */
  gone?(partition: string, reason: "released" | "lost"): void;
  /** So many sequences from `from` on left the stream unread (age or limits). */
  lostUnread?(filter: string, from: number, count: number): void;
  /** The stream has ended before our position: it was restored, or recreated where nobody can tell. Nothing is read until a person resets the positions. */
  behind?(filter: string, wanted: number, reached: number): void;
  /** Another stream stands under the name: the partition's position in the old one, `position`, is given up, and the new one is read from 1. */
  streamRecreated?(partition: string, position: number): void;
  committed?(partition: string, position: number): Promise<void>;
}

export interface PartitionStatus {
  partition: string;
  epoch: number;
  owned: boolean;
  position: number;
  unfinished: number;
  lag_messages: number;
  lag_seconds: number;
}

export interface LogReader {
  /** Reads until the signal is aborted; then finishes or gives back, and resolves. */
  run(signal: AbortSignal): Promise<void>;
  /** The partitions of this replica. */
  status(): PartitionStatus[];
}

const graceDefaultMs = 10_000;

interface Member {
  held: HeldPartition;
  log: SharedLog;
  work: Work;
  tracker: PositionTracker;
  /** Highest sequence given to the work: after a step back, what was given is not given again. */
  givenUpTo: number;
  state: "open" | "closed";
}

interface SharedLog {
  filter: string;
  streamEpochMs: number | undefined;
  source: LogSource;
  readUpTo: number;
  members: Map<string, Member>;
  last: LogRecord | undefined;
  running: Promise<void>;
}

/** Reads nothing before `run`; a position covers only records that their work has finished. */
export function createLogReader(bus: Bus, options: LogReaderOptions): LogReader {
  const { stream, group, instance, partitionOf, times = ownershipTimes, graceMs = graceDefaultMs, events = {} } = options;
  const { streamState } = options;
  const logs = new Set<SharedLog>();
  const members = new Map<string, Member>();

  return { run, status };

  async function run(signal: AbortSignal): Promise<void> {
    const holder = { gained, position, release, lost, ...(events.committed ? { committed: events.committed } : {}) };
    await ownPartitions(
      {
        store: positionStore(bus, buckets.positions.name),
        group,
        instance,
        partitions: options.partitions,
        ...(streamState ? { streamEpochMs: async () => (await streamState()).streamEpochMs } : {}),
        holder,
        clock: bus.clock,
        times,
        onTrouble: (error) => events.trouble?.(error),
      },
      signal,
    );
    await Promise.all([...logs].map(closeLog));
  }

  function gained(held: HeldPartition): void {
    const start = held.start ?? { position: 0, finished: [] };
    const tracker = trackPosition(start);
    const context: WorkContext = {
      partition: held.partition,
      owned: held.owned,
      finished: (record) => {
        tracker.finish(record.sequence);
        held.touch();
      },
    };
    if (held.abandoned) events.streamRecreated?.(held.partition, held.abandoned.position);
    const log = logFor(options.filterOf(held.partition), held.streamEpochMs, start.position + 1);
    const member: Member = { held, log, work: options.work(context), tracker, givenUpTo: start.position, state: "open" };
    members.set(held.partition, member);
    log.members.set(held.partition, member);
    events.gained?.(held.partition, held.epoch);
  }

  /** The log of a filter, reading no later than `from`: a partition that is further back takes the others' reader back with it. */
  function logFor(filter: string, streamEpochMs: number | undefined, from: number): SharedLog {
    const present = [...logs].find((log) => log.filter === filter && log.streamEpochMs === streamEpochMs);
    if (present) {
      if (from <= present.readUpTo) {
        for (const each of present.members.values()) each.tracker.cover(present.readUpTo);
        present.readUpTo = from - 1;
        present.source.seek(from);
      }
      return present;
    }
    const source = openLogSource(bus, {
      ...(streamState ? { streamState } : {}),
      ...(streamEpochMs === undefined ? {} : { streamEpochMs }),
      stream,
      filter,
      from,
      onTrouble: (error) => events.trouble?.(error),
    });
    const log: SharedLog = {
      filter,
      streamEpochMs,
      source,
      readUpTo: from - 1,
      members: new Map(),
      last: undefined,
      running: Promise.resolve(),
    };
    logs.add(log);
    log.running = readLog(log);
    return log;
  }

  async function readLog(log: SharedLog): Promise<void> {
    // Taking and placing an event is one step without a pause: a step back of the reader must not fall between the two.
    do {
      for (let event = log.source.take(); event !== undefined; event = log.source.take()) {
        const wait = place(log, event);
        if (wait) await wait;
      }
    } while (await log.source.readable());
  }

  function place(log: SharedLog, event: LogEvent): Promise<void> | undefined {
    switch (event.kind) {
      case "record": {
        const { record } = event;
        log.readUpTo = record.sequence;
        log.last = record;
        const member = log.members.get(partitionOf(record) ?? "");
        if (!member || record.sequence <= member.givenUpTo) return undefined;
        member.givenUpTo = record.sequence;
        return member.tracker.begin(record.sequence) ? member.work.accept(record) : undefined;
      }
      case "covered":
        log.readUpTo = Math.max(log.readUpTo, event.sequence);
        return undefined;
      case "lost_unread":
        // A group that never read this stream has lost nothing.
        if (event.wanted > 1) events.lostUnread?.(log.filter, event.wanted, event.count);
        return undefined;
      case "behind":
        events.behind?.(log.filter, event.wanted, event.reached);
        return undefined;
      case "recreated":
        // Their positions mean nothing in the new stream. What was read of the old one is finished first; the next claim starts anew.
        for (const { held } of log.members.values()) held.giveBack();
        return undefined;
    }
  }

  function position(partition: string): { position: number; finished: number[] } {
    const member = members.get(partition);
    if (!member) throw new Error(`partition ${partition} has no position here`);
    if (member.state === "open") member.tracker.cover(member.log.readUpTo);
    return member.tracker.snapshot();
  }

  async function release(partition: string): Promise<void> {
    const member = members.get(partition);
    if (!member || member.state === "closed") return;
    leaveLog(member);
    await member.work.drain(graceMs);
    events.gone?.(partition, "released");
  }

  function lost(partition: string): void {
    const member = members.get(partition);
    if (!member || member.held.owned()) return;
    const open = member.state === "open";
    leaveLog(member);
    member.work.abandon();
    if (open) events.gone?.(partition, "lost");
  }

  /** From here on nothing new comes to the partition, and its position covers only what had come. */
  function leaveLog(member: Member): void {
    if (member.state === "closed") return;
    member.tracker.cover(member.log.readUpTo);
    member.state = "closed";
    member.log.members.delete(member.held.partition);
    if (member.log.members.size === 0) void closeLog(member.log);
  }

  async function closeLog(log: SharedLog): Promise<void> {
    logs.delete(log);
    await log.source.close();
    await log.running;
  }

  function status(): PartitionStatus[] {
    return [...members.values()]
      .filter((member) => member.state === "open")
      .map(({ held, log, tracker }) => {
        const { position: at } = tracker.snapshot();
        const unread = (log.last?.pending ?? 0) + log.source.buffered();
        const lag = log.readUpTo > (log.last?.sequence ?? 0) ? tracker.unfinished() : tracker.unfinished() + unread;
        const seconds = lag === 0 || !log.last ? 0 : Math.max(0, (bus.clock.nowMs() - log.last.storedAtMs) / 1_000);
        return {
          partition: held.partition,
          epoch: held.epoch,
          owned: held.owned(),
          position: at,
          unfinished: tracker.unfinished(),
          lag_messages: lag,
          lag_seconds: Math.round(seconds),
        };
      });
  }
}
