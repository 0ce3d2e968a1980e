// Takes the spool to the bus, oldest row first, one in flight. A row is removed only after the stream has acknowledged it; whoever
// wants draining (alarm, request, reconnection) shares the one run.
import { backoffMs } from "@mio/shared/backoff.ts";
import type { BusWatch } from "./bus-state.ts";
import type { Flight } from "./flight.ts";
import type { UplinkLimits } from "./limits.ts";
import type { UplinkPorts } from "./ports.ts";

export interface DrainCounters {
  rowsDrained: number;
  drainsFailed: number;
  /** The broker had the group already: the publish of unknown outcome had arrived. */
  duplicates: number;
}

export class Drainer {
  readonly counters: DrainCounters = { rowsDrained: 0, drainsFailed: 0, duplicates: 0 };
  readonly #ports: UplinkPorts;
  readonly #limits: UplinkLimits;
  readonly #flight: Flight;
  readonly #watch: BusWatch;
  #running: Promise<void> | undefined;
  #failures = 0;
  /** Monotonic: a wall clock that is set back must not hold a spool. */
  #retryAtMs = Number.NEGATIVE_INFINITY;

  constructor(ports: UplinkPorts, limits: UplinkLimits, flight: Flight, watch: BusWatch) {
    this.#ports = ports;
    this.#limits = limits;
    this.#flight = flight;
    this.#watch = watch;
    flight.onLate(() => void this.run("now"));
  }

  /** True when the last try failed: nobody should wait for the next one. With an empty spool the next try is anybody's. */
  get stuck(): boolean {
    return this.#failures > 0 && this.#ports.spool.state.rows > 0;
  }

  noteSuccess(): void {
    this.#failures = 0;
  }

  /** A publish outside failed, so the first retry waits too. */
  noteFailure(): void {
    this.#failures += 1;
    const limits = { startMs: this.#limits.retryMinMs, maxMs: this.#limits.retryMaxMs };
    this.#retryAtMs = this.#ports.clock.monotonicMs() + backoffMs(this.#failures, limits, this.#ports.random);
  }

  /** How long until trying again makes sense; not above 0 when it does. */
  get retryInMs(): number {
    return this.#retryAtMs - this.#ports.clock.monotonicMs();
  }

  /** Resolves when the spool is empty or a publish has failed. Never rejects. `now` skips the wait after a failure. */
  run(when: "due" | "now"): Promise<void> {
    if (this.#running) return this.#running;
    if (this.#ports.spool.state.rows === 0 || !this.#ports.link.connected) return Promise.resolve();
    if (when === "due" && this.stuck && this.retryInMs > 0) return Promise.resolve();
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #drain(): Promise<void> {
    const { spool } = this.#ports;
    try {
      for (let row = spool.oldest(); row; row = spool.oldest()) {
        const published = await this.#flight.publish(row, this.#watch.patienceMs);
        if (published.kind !== "acknowledged") return this.#failed();
        spool.remove(row);
        this.noteSuccess();
        this.counters.rowsDrained += 1;
        if (published.duplicate) this.counters.duplicates += 1;
      }
    } catch {
      // The storage failed. The row may be published again, which is harmless.
      this.#failed();
    }
  }

  #failed(): void {
    this.counters.drainsFailed += 1;
    this.noteFailure();
  }
}
