// Lanes: the records of one conversation one after another, conversations side by side. A failing record is tried again in its lane
// with growing pauses and parked after its attempts, so a poison message holds up its own conversation only, and only for so long.
import { type BackoffLimits, backoffMs } from "../../backoff.ts";
import type { Clock } from "../../clock.ts";
import type { Random } from "../../random.ts";
import type { LogRecord } from "./log-source.ts";
import type { Slots } from "./slots.ts";
import { type Task, TryAgain, type Work, type WorkContext } from "./work.ts";

export interface LaneOptions {
  laneOf: (record: LogRecord) => string;
  handle: (record: LogRecord, task: Task) => Promise<void>;
  /** Called after the last attempt; the record counts as finished once this resolves, and is tried again until it does. */
  park: (record: LogRecord, error: unknown, task: Task) => Promise<void>;
  clock: Clock;
  random: Random;
  /** Records of one partition in hand, running or waiting. Reading pauses at this, for all partitions that share its log. */
  inHandMax?: number;
  /** Limits how many handlers run at once; make one for all partitions. A record that waits for its next attempt holds no slot. */
  slots?: Slots;
  attemptsMax?: number;
  backoff?: BackoffLimits;
  onFailure?: (error: unknown, record: LogRecord, attempt: number) => void;
}

const inHandDefault = 512;
const attemptsDefault = 8;
const backoffDefault = { startMs: 100, maxMs: 10_000 };

/** In order and one at a time within a lane; a record is finished only once handled or parked, however long that takes. */
export function createLanes(options: LaneOptions, context: WorkContext): Work {
  const {
    laneOf,
    handle,
    park,
    clock,
    random,
    inHandMax = inHandDefault,
    attemptsMax = attemptsDefault,
    backoff = backoffDefault,
  } = options;
  const lanes = new Map<string, LogRecord[]>();
  const running = new Set<Promise<void>>();
  const abort = new AbortController();
  let stopping = false;
  let inHand = 0;
  let room: { promise: Promise<void>; resolve: () => void } | undefined;

  return { accept, drain, abandon };

  function accept(record: LogRecord): Promise<void> | undefined {
    if (stopping) return undefined;
    inHand += 1;
    const key = laneOf(record);
    const waiting = lanes.get(key);
    if (waiting) waiting.push(record);
    else start(key, [record]);
    if (inHand < inHandMax) return undefined;
    room ??= Promise.withResolvers<void>();
    return room.promise;
  }

  function start(key: string, queue: LogRecord[]): void {
    lanes.set(key, queue);
    const done = runLane(key, queue).finally(() => running.delete(done));
    running.add(done);
  }

  async function runLane(key: string, queue: LogRecord[]): Promise<void> {
    for (let record = queue[0]; record !== undefined && !stopping; record = queue[0]) {
      const finished = await runRecord(record);
      queue.shift();
      inHand -= 1;
      if (finished) context.finished(record);
      makeRoom();
    }
    lanes.delete(key);
  }

  /** True once handled or parked; false when the work was stopped before. */
  async function runRecord(record: LogRecord): Promise<boolean> {
    let attempt = 1;
    let parking: { error: unknown } | undefined;
    for (let failures = 0; ; failures += 1) {
      const task: Task = { partition: context.partition, attempt, owned: context.owned, signal: abort.signal };
      try {
        await inSlot(() => (parking ? park(record, parking.error, task) : handle(record, task)));
        return !abort.signal.aborted;
      } catch (error) {
        if (stopping) return false;
        options.onFailure?.(error, record, attempt);
        const counted = !parking && !(error instanceof TryAgain) && context.owned();
        if (counted && attempt >= attemptsMax) parking = { error };
        else {
          if (counted) attempt += 1;
          await pause(failures + 1);
        }
        if (stopping) return false;
      }
    }
  }

  async function inSlot(work: () => Promise<void>): Promise<void> {
    await options.slots?.acquire(abort.signal);
    try {
      // The slot may have come only because others ended at a stop.
      if (stopping) throw new TryAgain("stopped before it began");
      await work();
    } finally {
      options.slots?.release();
    }
  }

  async function pause(failures: number): Promise<void> {
    await clock.sleep(backoffMs(failures, backoff, random), abort.signal).catch(() => {});
  }

  function makeRoom(): void {
    if (inHand >= inHandMax && !stopping) return;
    room?.resolve();
    room = undefined;
  }

  async function drain(graceMs: number): Promise<void> {
    stopping = true;
    makeRoom();
    if (running.size > 0) {
      const late = new AbortController();
      const grace = clock.sleep(graceMs, late.signal).catch(() => {});
      await Promise.race([Promise.all(running), grace]);
      late.abort();
    }
    abort.abort();
  }

  function abandon(): void {
    stopping = true;
    abort.abort();
    makeRoom();
  }
}
