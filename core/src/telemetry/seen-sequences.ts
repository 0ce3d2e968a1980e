// Which messages of which uplinks were counted, so that a repeat counts once. Bounded: the uplink that has been silent for longest is forgotten.

const instancesMax = 10_000;

export class SeenSequences {
  readonly #last = new Map<string, bigint>();

  /** Once true for each sequence of an instance, and for none below one that was seen. */
  isNew(instance: string, sequence: bigint): boolean {
    const last = this.#last.get(instance);
    if (last !== undefined && sequence <= last) return false;
    this.#last.delete(instance);
    this.#last.set(instance, sequence);
    const [oldest] = this.#last.keys();
    if (this.#last.size > instancesMax && oldest !== undefined) this.#last.delete(oldest);
    return true;
  }
}
