// Saves a changing state: at once when nothing was saved lately, else coalesced, and never more than a small share of the time.
// After `close` what is stored is what was there at the end.
import type { Clock } from "../../../clock.ts";

/** Changes within this time are saved together. */
export const saveIntervalMs = 250;
/** A save that took 100 ms is followed by at least 900 ms without one, so that a large world costs at most 10 % of the time. */
const restPerSaveTime = 9;

export interface Saver {
  changed(): void;
  close(): Promise<void>;
}

/**
 * `read` makes the whole text; `save` stores it. A save that fails is told to `report` at once and tried again, at last by `close`,
 * which rejects.
 */
export function createSaver(
  clock: Clock,
  read: () => Promise<string>,
  save: (state: string) => Promise<void>,
  report: (error: unknown) => void,
): Saver {
  let dirty = false;
  let closed = false;
  let running: Promise<void> | undefined;
  const stop = new AbortController();

  async function saveOnce(): Promise<number> {
    const startMs = clock.monotonicMs();
    dirty = false;
    try {
      await save(await read());
    } catch (cause) {
      dirty = true;
      throw cause;
    }
    return clock.monotonicMs() - startMs;
  }

  async function run(): Promise<void> {
    let restMs = saveIntervalMs;
    while (dirty && !closed) {
      await clock.sleep(restMs, stop.signal).catch(() => undefined);
      if (closed) return;
      const tookMs = await saveOnce().catch((error: unknown) => {
        report(error);
        return 0;
      });
      restMs = Math.max(saveIntervalMs, tookMs * restPerSaveTime);
    }
    if (!closed && restMs > saveIntervalMs) await clock.sleep(restMs, stop.signal).catch(() => undefined);
  }

  function start(): void {
    running ??= run().finally(() => {
      running = undefined;
      if (dirty && !closed) start();
    });
  }

  return {
    changed() {
      dirty = true;
      if (!closed) start();
    },
    async close() {
      closed = true;
      stop.abort();
      await running;
      if (dirty) await saveOnce();
    },
  };
}
