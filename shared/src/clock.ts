// Time as a parameter: whoever needs it takes a Clock, so that a day of retries can be tested in a millisecond.

export interface Clock {
  /** Wall clock, in milliseconds since 1970. May jump; never use it for durations. */
  nowMs(): number;
  /** Monotonic clock, in milliseconds since an arbitrary start. Never jumps. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `ring` after `ms`, unless the function that it returns is called first. For deadlines that are nearly always kept: a tenth of
   * what a sleep with a signal costs.
   */
  after(ms: number, ring: () => void): () => void;
}

/** The parts of a JavaScript host that a clock is made of; `globalThis` satisfies it in Node, workerd and browsers. */
export interface TimeHost {
  Date: { now(): number };
  performance: { now(): number };
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: never): void;
}

/** Makes a Clock of a host's own time: `clockOf(globalThis)`. */
export function clockOf(host: TimeHost): Clock {
  return {
    nowMs: () => host.Date.now(),
    monotonicMs: () => host.performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          host.clearTimeout(handle as never);
          reject(signal?.reason);
        };
        const handle = host.setTimeout(() => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        }, ms);
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
    after: (ms, ring) => {
      const handle = host.setTimeout(ring, ms);
      return () => host.clearTimeout(handle as never);
    },
  };
}
