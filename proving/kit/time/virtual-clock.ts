// Time that passes only when a test says so: a day of outages in a few milliseconds, the same for the same seed.
import type { Clock } from "@mio/shared/clock.ts";

interface Timer {
  atMs: number;
  order: number;
  ring: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 1_763_000_000_000;
  #setMs = 0;
  #order = 0;
  #timers: Timer[] = [];

  nowMs(): number {
    return this.#nowMs + this.#setMs;
  }

  /** Sets the wall clock on, or back; what is monotonic goes on as if nothing were. */
  setOn(ms: number): void {
    this.#setMs += ms;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.#add(ms, resolve);
      signal?.addEventListener("abort", () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
        reject(signal.reason);
      });
    });
  }

  after(ms: number, ring: () => void): () => void {
    const timer = this.#add(ms, ring);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Lets time pass, timer by timer; between two of them everything that is ready runs to its next wait. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settled();
      const next = this.#timers.reduce<Timer | undefined>(earlier, undefined);
      if (!next || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#nowMs = next.atMs;
      next.ring();
    }
    this.#nowMs = untilMs;
  }

  #add(ms: number, ring: () => void): Timer {
    this.#order += 1;
    const timer = { atMs: this.#nowMs + Math.max(0, Math.round(ms)), order: this.#order, ring };
    this.#timers.push(timer);
    return timer;
  }
}

/** All promise reactions that are due, however long their chains. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function earlier(best: Timer | undefined, timer: Timer): Timer {
  if (!best || timer.atMs < best.atMs) return timer;
  return timer.atMs === best.atMs && timer.order < best.order ? timer : best;
}
