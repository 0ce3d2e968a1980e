// A clock that a test moves by hand: a day of retries in a millisecond.
import type { Clock } from "@mio/shared/clock.ts";

export interface ManualClock extends Clock {
  /** Moves on by `ms`, waking sleepers in order of time, and lets what they start run until it waits again. */
  advance(ms: number): Promise<void>;
}

export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  let elapsedMs = 0;
  let sleepers: { atMs: number; wake: () => void }[] = [];

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
  }

  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (ms <= 0) return Promise.resolve();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper = { atMs: elapsedMs + ms, wake: resolve };
      sleepers.push(sleeper);
      const onAbort = () => {
        sleepers = sleepers.filter((each) => each !== sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      return promise.finally(() => signal?.removeEventListener("abort", onAbort));
    },
    after(ms, ring) {
      const sleeper = { atMs: elapsedMs + ms, wake: ring };
      sleepers.push(sleeper);
      return () => {
        sleepers = sleepers.filter((each) => each !== sleeper);
      };
    },
    async advance(ms) {
      const endMs = elapsedMs + ms;
      await settle();
      for (;;) {
        const [next] = sleepers.filter((sleeper) => sleeper.atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
        if (!next) break;
        sleepers = sleepers.filter((sleeper) => sleeper !== next);
        elapsedMs = Math.max(elapsedMs, next.atMs);
        next.wake();
        await settle();
      }
      elapsedMs = endMs;
      await settle();
    },
  };
}
