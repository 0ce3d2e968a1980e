// A clock that moves only when a test says so: a day of retries in a millisecond, the same for the same seed. Each replica of a test may
// have its own, so that one can stand still while the others go on.
import type { Clock } from "@mio/shared/clock.ts";

export interface ManualClock extends Clock {
  /** Moves on by `ms`, timer by timer; between two of them everything that is ready runs to its next wait. */
  advance(ms: number): Promise<void>;
  /** Moves on at once, as a paused process finds its clock when it wakes: what is due rings with the next `advance`. */
  leap(ms: number): void;
  /** Sets the wall clock on, or back; what is monotonic goes on as if nothing were. */
  setOn(ms: number): void;
}

export interface ManualClockOptions {
  /** What the wall clock says at first, in milliseconds since 1970. */
  startMs?: number;
  /** What runs between two timers also waits for other threads, as `crypto.subtle` does; so each wait takes a little real time. */
  otherThreads?: boolean;
}

interface Timer {
  atMs: number;
  ring: () => void;
}

export function manualClock({ startMs = 1_763_000_000_000, otherThreads = false }: ManualClockOptions = {}): ManualClock {
  let passedMs = 0;
  let setMs = 0;
  /** In the order in which they were set. */
  const timers = new Set<Timer>();
  const settled = otherThreads ? turnsOfOtherThreads : turnOfThisThread;

  function add(ms: number, ring: () => void): Timer {
    const timer = { atMs: passedMs + Math.max(0, Math.round(ms)), ring };
    timers.add(timer);
    return timer;
  }

  return {
    nowMs: () => startMs + passedMs + setMs,
    monotonicMs: () => passedMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          timers.delete(timer);
          reject(signal?.reason);
        };
        const timer = add(ms, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
    after: (ms, ring) => {
      const timer = add(ms, ring);
      return () => void timers.delete(timer);
    },
    leap: (ms) => {
      passedMs += ms;
    },
    setOn: (ms) => {
      setMs += ms;
    },
    advance: async (ms) => {
      const untilMs = passedMs + ms;
      for (;;) {
        await settled();
        const next = earliest(timers);
        if (next === undefined || next.atMs > untilMs) break;
        timers.delete(next);
        passedMs = Math.max(passedMs, next.atMs);
        next.ring();
      }
      passedMs = untilMs;
    },
  };
}

/** The one that was set first among those of the same time. */
function earliest(timers: Iterable<Timer>): Timer | undefined {
  let best: Timer | undefined;
  for (const timer of timers) if (best === undefined || timer.atMs < best.atMs) best = timer;
  return best;
}

/** Runs all promise reactions that are due, however long their chains. */
function turnOfThisThread(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function turnsOfOtherThreads(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}
