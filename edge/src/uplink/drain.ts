// Takes the spool to the bus, oldest rows first, one group of them in flight. A row is removed only after the stream has acknowledged
// it; whoever wants draining (alarm, request, reconnection) shares the one run.
import { backoffMs } from "@mio/shared/backoff.ts";
import type { BusWatch } from "./bus-state.ts";
import { type DrainGroup, drainGroupOf } from "./drain-group.ts";
import type { Flight } from "./flight.ts";
import type { UplinkLimits } from "./limits.ts";
import type { SpoolRow, UplinkPorts } from "./ports.ts";

export interface DrainCounters {
  rowsDrained: number;
  /** Refused for their own sake, again and again: out of the others' way, but kept. */
  rowsSetAside: number;
  drainsFailed: number;
  /** The broker had the group already: the publish of unknown outcome had arrived. */
  duplicates: number;
}

export class Drainer {
  readonly counters: DrainCounters = { rowsDrained: 0, rowsSetAside: 0, drainsFailed: 0, duplicates: 0 };
  readonly #ports: UplinkPorts;
  readonly #limits: UplinkLimits;
  readonly #flight: Flight;
  readonly #watch: BusWatch;
  #running: Promise<void> | undefined;
  /** In flight, or of unknown outcome: then the same is tried again, under the same id. */
  #group: DrainGroup | undefined;
  /** A group was too large: its rows go one by one. */
  #single = false;
  /** How often the first row was refused for its own sake. */
  #refusals = 0;
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
      for (let group = this.#next(); group; group = this.#next()) {
        const published = await this.#flight.publish(group.message, this.#watch.drainDeadlineMs);
        if (published.kind === "refused" && published.ofMessage && this.#outOfTheWay(group, published.reason)) continue;
        if (published.kind !== "acknowledged") return this.#failed();
        spool.remove(group.rows);
        this.#leave();
        this.noteSuccess();
        this.counters.rowsDrained += group.rows.length;
        if (published.duplicate) this.counters.duplicates += 1;
      }
    } catch {
      // The storage failed. The row may be published again, which is harmless.
      this.#failed();
    }
  }

  #next(): DrainGroup | undefined {
    const { groupEventsMax: rows, groupBytesMax: bytes } = this.#limits;
    const oldest = () => this.#ports.spool.oldest({ rows: this.#single ? 1 : rows, bytes });
    this.#group ??= drainGroupOf(this.#alone(oldest()), this.#limits);
    return this.#group;
  }

  /** A first row whose own publish may still be acknowledged goes alone, so that this counts. */
  #alone(rows: SpoolRow[]): SpoolRow[] {
    const [first] = rows;
    return first && this.#flight.holds(first.messageId) ? [first] : rows;
  }

  /** What is too large for the bus blocks nobody: first its rows are tried alone, then, refused often enough, it is set aside. */
  #outOfTheWay({ rows }: DrainGroup, reason: string): boolean {
    const [first, ...more] = rows;
    if (!first) return false;
    if (more.length > 0) {
      this.#group = undefined;
      this.#single = true;
      return true;
    }
    this.#refusals += 1;
    if (this.#refusals < this.#limits.refusalsMax) return false;
    this.#ports.spool.setAside(first, reason);
    this.counters.rowsSetAside += 1;
    const { messageId: message_id, body } = first;
    this.#ports.log?.({ level: "error", event: "row_set_aside", message_id, body_bytes: body.length, reason });
    this.#leave();
    return true;
  }

  #leave(): void {
    this.#group = undefined;
    this.#single = false;
    this.#refusals = 0;
  }

  #failed(): void {
    this.counters.drainsFailed += 1;
    this.noteFailure();
  }
}
