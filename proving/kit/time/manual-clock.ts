// A clock that moves only when it is told to, so that a minute of heartbeats is tested in a millisecond. Each replica of a test may have
// its own, so that one can stand still while the others go on.
import type { Clock } from "@mio/shared/clock.ts";

export interface ManualClock extends Clock {
  /** Moves on step by step, and lets everything that wakes run before the next step. */
  advance(ms: number): Promise<void>;
  /** Moves on at once, as a paused process finds its clock when it wakes. */
  leap(ms: number): void;
}

const stepMs = 50;

export function manualClock(): ManualClock {
  let nowMs = 0;
  const sleepers = new Set<{ atMs: number; wake: () => void }>();
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = { atMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          if (sleepers.delete(sleeper)) reject(signal.reason);
        });
      }),
    after: (ms, ring) => {
      const sleeper = { atMs: nowMs + ms, wake: ring };
      sleepers.add(sleeper);
      return () => void sleepers.delete(sleeper);
    },
    leap: (ms) => {
      nowMs += ms;
    },
    async advance(ms) {
      const until = nowMs + ms;
      while (nowMs < until) {
        nowMs = Math.min(until, nowMs + stepMs);
        for (const sleeper of [...sleepers]) {
          if (sleeper.atMs > nowMs) continue;
          sleepers.delete(sleeper);
          sleeper.wake();
        }
        // Everything here is promises over memory: a turn of the macrotask queue lets all of it settle.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
