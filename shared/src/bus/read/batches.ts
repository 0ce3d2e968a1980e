// Batches: what has come in while the last batch was worked on is worked on together, in order, one batch of a partition at a time.
import { type BackoffLimits, backoffMs } from "../../backoff.ts";
import type { Clock } from "../../clock.ts";
import type { Random } from "../../random.ts";
import type { LogRecord } from "./log-source.ts";
import type { Task, Work, WorkContext } from "./work.ts";

export interface BatchOptions {
  /** Works on the records in order and returns how many leading ones are finished; the rest comes again after a pause. */
  handle: (records: readonly LogRecord[], task: Task) => Promise<number>;
  clock: Clock;
  random: Random;
  recordsMax?: number;
  bytesMax?: number;
  backoff?: BackoffLimits;
  onFailure?: (error: unknown, attempt: number) => void;
}

const recordsDefault = 256;
const bytesDefault = 4 * 1024 * 1024;
const backoffDefault = { startMs: 50, maxMs: 2_000 };

/** One batch of a partition at a time, in order; a record is finished only when `handle` has counted it. */
export function createBatches(options: BatchOptions, context: WorkContext): Work {
  const { handle, clock, random, recordsMax = recordsDefault, bytesMax = bytesDefault, backoff = backoffDefault } = options;
  const abort = new AbortController();
  let waiting: LogRecord[] = [];
  let waitingBytes = 0;
  let stopping = false;
  let running: Promise<void> | undefined;
  let room: { promise: Promise<void>; resolve: () => void } | undefined;

  return { accept, drain, abandon };

  function accept(record: LogRecord): Promise<void> | undefined {
    if (stopping) return undefined;
    waiting.push(record);
    waitingBytes += record.data.length;
    running ??= run();
    if (waiting.length < recordsMax && waitingBytes < bytesMax) return undefined;
    room ??= Promise.withResolvers<void>();
    return room.promise;
  }

  async function run(): Promise<void> {
    let failures = 0;
    let left: LogRecord[] = [];
    // A turn of the loop lets what has arrived together travel together.
    await Promise.resolve();
    while (!stopping) {
      const batch = left.length > 0 ? left : waiting;
      if (batch.length === 0) break;
      if (batch === waiting) {
        waiting = [];
        waitingBytes = 0;
        makeRoom();
      }
      const finished = await attempt(batch, failures + 1);
      for (const record of batch.slice(0, finished)) context.finished(record);
      left = batch.slice(finished);
      failures = left.length === 0 ? 0 : finished > 0 ? 1 : failures + 1;
      if (left.length > 0 && !stopping) await pause(failures);
    }
    running = undefined;
  }

  async function attempt(batch: readonly LogRecord[], number: number): Promise<number> {
    try {
      const task: Task = { partition: context.partition, attempt: number, owned: context.owned, signal: abort.signal };
      const finished = await handle(batch, task);
      return abort.signal.aborted ? 0 : finished;
    } catch (error) {
      if (!stopping) options.onFailure?.(error, number);
      return 0;
    }
  }

  async function pause(failures: number): Promise<void> {
    await clock.sleep(backoffMs(failures, backoff, random), abort.signal).catch(() => {});
  }

  function makeRoom(): void {
    room?.resolve();
    room = undefined;
  }

  async function drain(graceMs: number): Promise<void> {
    stopping = true;
    makeRoom();
    if (running) {
      const late = new AbortController();
      await Promise.race([running, clock.sleep(graceMs, late.signal).catch(() => {})]);
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
