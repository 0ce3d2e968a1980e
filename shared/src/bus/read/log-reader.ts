// Reading in order: the partitions of a group, each owned by one replica and read as a log from its committed position. Puts together
// who reads (ownership), the log itself (log-source) and the work (lanes or batches). The position moves only over finished records.
import type { Bus } from "../client/connection.ts";
import type { StreamState } from "../client/jetstream-api.ts";
import { buckets } from "../names/streams.ts";
import { lagOf } from "./log/lag.ts";
import { type LogEvent, type LogRecord, type LogSource, openLogSource } from "./log-source.ts";
import type { HeldPartition } from "./ownership/keep.ts";
import { positionStore } from "./ownership/position-store.ts";
import { type OwnershipTimes, ownershipTimes } from "./ownership/times.ts";
import { ownPartitions } from "./ownership.ts";
import { type Position, type PositionTracker, trackPosition } from "./position.ts";
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

/** The partitions of a group that are read here, and the logs that they are read from. */
interface Group {
  bus: Bus;
  options: LogReaderOptions;
  events: LogReaderEvents;
  graceMs: number;
  logs: Set<SharedLog>;
  members: Map<string, Member>;
}

/** Reads nothing before `run`; a position covers only records that their work has finished. */
export function createLogReader(bus: Bus, options: LogReaderOptions): LogReader {
  const { graceMs = graceDefaultMs, events = {} } = options;
  const group: Group = { bus, options, events, graceMs, logs: new Set(), members: new Map() };
  return { run: (signal) => run(group, signal), status: () => statusOf(group) };
}

async function run(group: Group, signal: AbortSignal): Promise<void> {
  const { bus, options, events } = group;
  const { streamState, times = ownershipTimes } = options;
  await ownPartitions(
    {
      store: positionStore(bus, buckets.positions.name),
      group: options.group,
      instance: options.instance,
      partitions: options.partitions,
      ...(streamState ? { streamEpochMs: async () => (await streamState()).streamEpochMs } : {}),
      holder: {
        gained: (held) => gained(group, held),
        position: (partition) => position(group, partition),
        release: (partition) => release(group, partition),
        lost: (partition) => lost(group, partition),
        ...(events.committed ? { committed: events.committed } : {}),
      },
      clock: bus.clock,
      times,
      onTrouble: (error) => events.trouble?.(error),
    },
    signal,
  );
  await Promise.all([...group.logs].map((log) => closeLog(group, log)));
}

function gained(group: Group, held: HeldPartition): void {
  const { options, events } = group;
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
  const log = logFor(group, options.filterOf(held.partition), held.streamEpochMs, start.position + 1);
  const member: Member = { held, log, work: options.work(context), tracker, givenUpTo: start.position, state: "open" };
  group.members.set(held.partition, member);
  log.members.set(held.partition, member);
  events.gained?.(held.partition, held.epoch);
}

/** The log of a filter, reading no later than `from`: a partition that is further back takes the others' reader back with it. */
function logFor(group: Group, filter: string, streamEpochMs: number | undefined, from: number): SharedLog {
  const present = [...group.logs].find((log) => log.filter === filter && log.streamEpochMs === streamEpochMs);
  if (!present) return openLog(group, filter, streamEpochMs, from);
  if (from <= present.readUpTo) {
    for (const each of present.members.values()) each.tracker.cover(present.readUpTo);
    present.readUpTo = from - 1;
    present.source.seek(from);
  }
  return present;
}

function openLog(group: Group, filter: string, streamEpochMs: number | undefined, from: number): SharedLog {
  const { stream, streamState } = group.options;
  const source = openLogSource(group.bus, {
    ...(streamState ? { streamState } : {}),
    ...(streamEpochMs === undefined ? {} : { streamEpochMs }),
    stream,
    filter,
    from,
    onTrouble: (error) => group.events.trouble?.(error),
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
  group.logs.add(log);
  log.running = readLog(group, log);
  return log;
}

async function readLog(group: Group, log: SharedLog): Promise<void> {
  // Taking and placing an event is one step without a pause: a step back of the reader must not fall between the two.
  do {
    for (let event = log.source.take(); event !== undefined; event = log.source.take()) {
      const wait = place(group, log, event);
      if (wait) await wait;
    }
  } while (await log.source.readable());
}

function place({ options, events }: Group, log: SharedLog, event: LogEvent): Promise<void> | undefined {
  switch (event.kind) {
    case "record":
      log.readUpTo = event.record.sequence;
      log.last = event.record;
      return giveTo(log.members.get(options.partitionOf(event.record) ?? ""), event.record);
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

/** A promise when its work has no room for more. */
function giveTo(member: Member | undefined, record: LogRecord): Promise<void> | undefined {
  if (!member || record.sequence <= member.givenUpTo) return undefined;
  member.givenUpTo = record.sequence;
  return member.tracker.begin(record.sequence) ? member.work.accept(record) : undefined;
}

function position({ members }: Group, partition: string): Position {
  const member = members.get(partition);
  if (!member) throw new Error(`partition ${partition} has no position here`);
  if (member.state === "open") member.tracker.cover(member.log.readUpTo);
  return member.tracker.snapshot();
}

async function release(group: Group, partition: string): Promise<void> {
  const member = group.members.get(partition);
  if (!member || member.state === "closed") return;
  leaveLog(group, member);
  await member.work.drain(group.graceMs);
  group.events.gone?.(partition, "released");
}

function lost(group: Group, partition: string): void {
  const member = group.members.get(partition);
  if (!member || member.held.owned()) return;
  const open = member.state === "open";
  leaveLog(group, member);
  member.work.abandon();
  if (open) group.events.gone?.(partition, "lost");
}

/** From here on nothing new comes to the partition, and its position covers only what had come. */
function leaveLog(group: Group, member: Member): void {
  if (member.state === "closed") return;
  member.tracker.cover(member.log.readUpTo);
  member.state = "closed";
  member.log.members.delete(member.held.partition);
  if (member.log.members.size === 0) void closeLog(group, member.log);
}

async function closeLog({ logs }: Group, log: SharedLog): Promise<void> {
  logs.delete(log);
  await log.source.close();
  await log.running;
}

function statusOf({ members, bus }: Group): PartitionStatus[] {
  const nowMs = bus.clock.nowMs();
  return [...members.values()]
    .filter((member) => member.state === "open")
    .map(({ held, log, tracker }) => {
      const { position: at } = tracker.snapshot();
      const unfinished = tracker.unfinished();
      const { last, readUpTo, source } = log;
      const lag = lagOf({ unfinished, last, readUpTo, buffered: source.buffered(), nowMs });
      return {
        partition: held.partition,
        epoch: held.epoch,
        owned: held.owned(),
        position: at,
        unfinished,
        lag_messages: lag.messages,
        lag_seconds: lag.seconds,
      };
    });
}
