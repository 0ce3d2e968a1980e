// What a service that reads a stream as a log has around its own work: the reader under the service's name, what is said of it in the log,
// in `/status` and in `/health/ready`, and an alarm for each partition that stands still until a person decides. The service brings `work`.
import { streamStateOf } from "@mio/shared/bus/client/jetstream-api.ts";
import { createLogReader, type LogReader, type LogReaderEvents, type LogReaderOptions } from "@mio/shared/bus/read/log-reader.ts";
import { ownershipTimes } from "@mio/shared/bus/read/ownership/times.ts";
import type { ServiceContext } from "../service.ts";
import { busOf } from "./connect.ts";

export interface LogServiceOptions extends Pick<LogReaderOptions, "stream" | "partitions" | "filterOf" | "partitionOf" | "work"> {
  /** The service: its group in the bucket of positions, and, in snake case, its section of `/status`. */
  name: string;
  /** What it reads, in words: `reading ingress`, `ingress records left the stream unread`. */
  input: string;
  records: string;
  /** What its section of `/status` says beside the reader. */
  status: () => Readonly<Record<string, unknown>>;
  committed?: NonNullable<LogReaderEvents["committed"]>;
}

export interface LogService {
  /** Reads until the service ends; then finishes or gives back. */
  run(): Promise<void>;
  /** The partition stands still for this reason, and the service is not ready, until it goes on or goes to another replica. */
  standsStill(partition: string, reason: string): void;
  goesOn(partition: string): void;
}

interface Observed {
  alarms: Map<string, string>;
  lostUnread: number;
  streamRecreated: number;
}

/** Reads nothing before `run`. */
export function createLogService(context: ServiceContext, options: LogServiceOptions): LogService {
  const { config } = context;
  const { name, stream, partitions, filterOf, partitionOf, work } = options;
  const bus = busOf(context);
  const observed: Observed = { alarms: new Map(), lostUnread: 0, streamRecreated: 0 };
  // All partitions of a filter are read together, so all of them stand still.
  const readWith = (filter: string) =>
    reader.status().flatMap(({ partition }) => (filterOf(partition) === filter ? [partition] : []));
  const reader: LogReader = createLogReader(bus, {
    stream,
    group: name,
    instance: context.instance,
    partitions,
    filterOf,
    partitionOf,
    work,
    streamState: () => streamStateOf(bus, stream),
    times: { ...ownershipTimes, ...config.ownership },
    events: eventsOf(context, options, observed, readWith),
  });

  context.status(name.replaceAll("-", "_"), () => ({
    partitions: reader.status(),
    lost_unread: observed.lostUnread,
    stream_recreated: observed.streamRecreated,
    alarms: Object.fromEntries(observed.alarms),
    ...options.status(),
  }));
  context.readiness(() => notReady(name, observed.alarms));
  return {
    run: () => reader.run(context.signal),
    standsStill: (partition, reason) => void observed.alarms.set(partition, reason),
    goesOn: (partition) => void observed.alarms.delete(partition),
  };
}

function notReady(name: string, alarms: ReadonlyMap<string, string>): string | undefined {
  return alarms.size === 0 ? undefined : `${name} stands still: ${[...new Set(alarms.values())].join("; ")}`;
}

function eventsOf(
  { log }: ServiceContext,
  { name, input, records, committed }: LogServiceOptions,
  observed: Observed,
  readWith: (filter: string) => readonly string[],
): LogReaderEvents {
  return {
    trouble: (error) => log.warn({ err: error }, `reading ${input}`),
    gained: (partition, epoch) => log.info({ partition, epoch }, "partition claimed"),
    gone: (partition, reason) => {
      observed.alarms.delete(partition);
      log.info({ partition, reason }, "partition gone");
    },
    lostUnread: (filter, from, count) => {
      observed.lostUnread += count;
      log.error({ filter, from, count }, `${input} ${records} left the stream unread`);
    },
    behind: (filter, wanted, reached) => {
      // Each until it goes, or until its position is reset.
      for (const partition of readWith(filter))
        observed.alarms.set(partition, `the ${input} stream ends at ${reached}, before our position ${wanted - 1}`);
      log.error({ filter, wanted, reached }, `the ${input} stream was restored; reset the positions of ${name}`);
    },
    streamRecreated: (partition, position) => {
      observed.streamRecreated += 1;
      log.error({ partition, position }, `the ${input} stream was deleted and recreated; reading the new one from its start`);
    },
    ...(committed ? { committed } : {}),
  };
}
