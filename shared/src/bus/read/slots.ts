// How many handlers may run at the same time, over all partitions of a process. What waits for a slot waits in turn.

export interface Slots {
  /** Resolves when there is a slot; rejects when the signal is aborted first. Each acquired slot must be released. */
  acquire(signal: AbortSignal): Promise<void>;
  release(): void;
}

/** At most `max` are held at once; who waits is served in the order of asking. */
export function createSlots(max: number): Slots {
  const waiting = new Set<() => void>();
  let free = max;
  return {
    acquire(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => {
        const give = () => {
          signal.removeEventListener("abort", leave);
          resolve();
        };
        const leave = () => {
          waiting.delete(give);
          reject(signal.reason);
        };
        waiting.add(give);
        signal.addEventListener("abort", leave, { once: true });
      });
    },
    release() {
      const [next] = waiting;
      if (!next) {
        free += 1;
        return;
      }
      waiting.delete(next);
      next();
    },
  };
}
