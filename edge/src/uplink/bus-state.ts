// How the bus looks from one uplink: it distinguishes a slow bus from a dead one. On a slow one the spool still drains, but no request waits.
import type { BusState } from "@mio/shared/bus/wire/telemetry.ts";
import type { UplinkLimits } from "./limits.ts";
import type { BusLink } from "./ports.ts";

export interface BusView {
  state: BusState;
  /** What the last try that was not acknowledged met; undefined when all is well. */
  reason: string | undefined;
}

export class BusWatch {
  readonly #link: BusLink;
  readonly #limits: UplinkLimits;
  readonly #changed: (view: BusView) => void;
  #connected: BusView = { state: "answering", reason: undefined };
  #tookMs = 0;
  #reported: BusState = "answering";

  /** `changed` is called after each change of the state. */
  constructor(link: BusLink, limits: UplinkLimits, changed: (view: BusView) => void) {
    this.#link = link;
    this.#limits = limits;
    this.#changed = changed;
    if (!link.connected) this.#reported = "away";
    // A new connection has answered the client's greeting; whether it acknowledges, the next publish shows.
    link.onChange(() => this.forget());
  }

  get view(): BusView {
    return this.#link.connected ? this.#connected : { state: "away", reason: "not connected" };
  }

  /** How long a try that nobody waits for may take before another is made: a bus that is known to be slow gets more. */
  get drainDeadlineMs(): number {
    const { drainDeadlineMs, drainDeadlineMaxMs } = this.#limits;
    return Math.min(drainDeadlineMaxMs, Math.max(drainDeadlineMs, 2 * this.#tookMs));
  }

  acknowledged(tookMs: number): void {
    this.#tookMs = tookMs;
    if (tookMs <= this.#limits.deadlineMs) this.#see({ state: "answering", reason: undefined });
    else this.#see({ state: "slow", reason: `the last acknowledgement took ${Math.round(tookMs)} ms` });
  }

  /** No answer yet. From a bus known to be slow that is news only after twice its time. */
  overdue(openMs: number): void {
    if (this.#connected.state === "slow" && openMs < 2 * this.#tookMs) return;
    this.#see({ state: "silent", reason: `no acknowledgement in ${Math.round(openMs)} ms` });
  }

  unanswered(reason: string): void {
    this.#see({ state: "silent", reason });
  }

  /** Forgets what was seen: the next publish shows how the bus is. */
  forget(): void {
    this.#see({ state: "answering", reason: undefined });
  }

  refused(reason: string): void {
    this.#see({ state: "refusing", reason });
  }

  #see(view: BusView): void {
    this.#connected = view;
    const seen = this.view;
    if (seen.state === this.#reported) return;
    this.#reported = seen.state;
    this.#changed(seen);
  }
}
