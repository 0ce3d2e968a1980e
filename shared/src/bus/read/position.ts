// How far a partition is finished: the position is the last sequence with nothing unfinished at or below it. Pure.

export interface Position {
  /** Everything at or below is finished or parked. */
  position: number;
  /** Finished above it, ascending; the next owner skips these. */
  finished: number[];
}

export interface PositionTracker {
  /** Takes a record in hand, in ascending order; false when it is finished already and must not be handled again. */
  begin(sequence: number): boolean;
  finish(sequence: number): void;
  /** Everything of the partition up to here has been begun. Never goes back. */
  cover(sequence: number): void;
  /** Records in hand. */
  unfinished(): number;
  snapshot(): Position;
}

/** More than these are not written down: forgetting one costs a repeat, never a loss. */
const finishedMax = 1_000;

/** The position moves only over what was begun and finished, or covered without a record for this partition. */
export function trackPosition(start: Position): PositionTracker {
  let covered = start.position;
  let position = start.position;
  const inHand = new Set<number>();
  const finished = new Set(start.finished.filter((sequence) => sequence > position));

  return {
    begin(sequence) {
      covered = Math.max(covered, sequence);
      if (sequence <= position || finished.has(sequence) || inHand.has(sequence)) return false;
      inHand.add(sequence);
      return true;
    },
    finish(sequence) {
      if (inHand.delete(sequence)) finished.add(sequence);
    },
    cover(sequence) {
      covered = Math.max(covered, sequence);
    },
    unfinished: () => inHand.size,
    snapshot() {
      const [oldest] = inHand;
      position = Math.max(position, oldest === undefined ? covered : oldest - 1);
      for (const sequence of finished) if (sequence <= position) finished.delete(sequence);
      return { position, finished: [...finished].sort((a, b) => a - b).slice(0, finishedMax) };
    },
  };
}
