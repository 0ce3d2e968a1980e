// Counts of one isolate since its start. Labels are few and bounded: a channel that we know, an outcome of our own.

export class Counters {
  readonly #counts = new Map<string, Map<string, number>>();

  add(channelType: string, outcome: string): void {
    const outcomes = this.#counts.get(channelType) ?? new Map<string, number>();
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    this.#counts.set(channelType, outcomes);
  }

  /** By channel, then by outcome. */
  read(): Record<string, Record<string, number>> {
    return Object.fromEntries(Array.from(this.#counts, ([channelType, outcomes]) => [channelType, Object.fromEntries(outcomes)]));
  }
}
