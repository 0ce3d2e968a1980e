// The one group of a shard that may be in flight, with all tries to publish it. Its acknowledgement counts for whichever try it comes,
// however late: otherwise a bus that always answers a little later than the deadline would never drain a spool.
import type { Clock } from "@mio/shared/clock.ts";
import type { BusWatch } from "./bus-state.ts";
import type { UplinkLimits } from "./limits.ts";
import type { BusLink, GroupMessage, Published } from "./ports.ts";

type Acknowledged = Extract<Published, { kind: "acknowledged" }>;

export class Flight {
  readonly #link: BusLink;
  readonly #clock: Clock;
  readonly #limits: UplinkLimits;
  readonly #watch: BusWatch;
  #messageId: string | undefined;
  #acknowledged: Acknowledged | undefined;
  /** Counts tries of all groups; the last one's answer ends the wait, whatever it says. */
  #tries = 0;
  #lastIsOpen = false;
  #lastSentMs = 0;
  #hear: ((published: Published) => void) | undefined;
  #late = () => {};

  constructor({ link, clock }: { link: BusLink; clock: Clock }, limits: UplinkLimits, watch: BusWatch) {
    this.#link = link;
    this.#clock = clock;
    this.#limits = limits;
    this.#watch = watch;
  }

  /** Called when the group in flight was acknowledged after everybody had stopped waiting. */
  onLate(late: () => void): void {
    this.#late = late;
  }

  /** True when this is the group that was tried last. */
  holds(messageId: string): boolean {
    return this.#messageId === messageId;
  }

  /** How long the last try has been without an answer; 0 when it has one. */
  get openMs(): number {
    return this.#lastIsOpen ? this.#clock.monotonicMs() - this.#lastSentMs : 0;
  }

  /**
   * Waits for an acknowledgement, at most `patienceMs` from the last try; makes another when that has failed or is older. What is not
   * acknowledged then is of unknown outcome. `givenUp` ends the wait early. Call it again only after it has resolved; never rejects.
   */
  async publish(message: GroupMessage, deadlineMs: number, givenUp?: AbortSignal): Promise<Published> {
    if (message.messageId !== this.#messageId) {
      this.#messageId = message.messageId;
      this.#acknowledged = undefined;
      this.#lastIsOpen = false;
    }
    if (this.#acknowledged) return this.#acknowledged;
    const answer = new Promise<Published>((resolve) => {
      this.#hear = resolve;
    });
    if (!this.#lastIsOpen || this.openMs >= deadlineMs) void this.#try(message);
    const published = await this.#within(answer, deadlineMs - this.openMs, givenUp);
    this.#hear = undefined;
    return published;
  }

  async #try(message: GroupMessage): Promise<void> {
    this.#tries += 1;
    const number = this.#tries;
    const sentMs = this.#clock.monotonicMs();
    this.#lastSentMs = sentMs;
    this.#lastIsOpen = true;
    const published = await this.#link.publish(message);
    if (published.kind === "acknowledged") this.#watch.acknowledged(this.#clock.monotonicMs() - sentMs);
    if (published.kind === "refused") this.#watch.refused(published.reason);
    if (published.kind === "not_acknowledged") this.#watch.unanswered(published.reason);
    if (message.messageId !== this.#messageId) return;
    const isLast = number === this.#tries;
    if (isLast) this.#lastIsOpen = false;
    if (published.kind === "acknowledged") this.#acknowledged = published;
    else if (!isLast) return;
    if (this.#hear) this.#hear(published);
    else if (published.kind === "acknowledged") this.#late();
  }

  async #within(answer: Promise<Published>, waitMs: number, givenUp?: AbortSignal): Promise<Published> {
    const { promise: unanswered, resolve } = Promise.withResolvers<Published>();
    const end = (reason: string) => resolve({ kind: "not_acknowledged", reason });
    // By hand: AbortSignal.any, and what it takes to end a sleep, cost 26 µs a publish (measured in Node), as much as to encode three events.
    const giveUp = () => end("given up");
    if (givenUp?.aborted) giveUp();
    givenUp?.addEventListener("abort", giveUp);
    const overdueMs = this.#limits.deadlineMs - this.openMs;
    const cancelOverdue = overdueMs < waitMs ? this.#clock.after(overdueMs, () => this.#overdue()) : undefined;
    const cancelLate = this.#clock.after(waitMs, () => {
      this.#overdue();
      end("no answer in time");
    });
    try {
      return await Promise.race([answer, unanswered]);
    } finally {
      givenUp?.removeEventListener("abort", giveUp);
      cancelOverdue?.();
      cancelLate();
    }
  }

  /** Silence may be a connection that hangs; the link finds out. */
  #overdue(): void {
    this.#watch.overdue(this.openMs);
    this.#link.suspect();
  }
}
