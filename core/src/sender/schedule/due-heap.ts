// A binary heap of things by the time at which they are due: adding and taking the earliest cost the logarithm of how many there are.

export interface DueHeap<T> {
  push(dueMs: number, item: T): void;
  /** The earliest time, or Infinity when there is nothing. */
  earliestMs(): number;
  /** The earliest item if it is due, in order of time and then of coming. */
  popDue(nowMs: number): T | undefined;
}

/** The earliest is always on top. */
export function createDueHeap<T>(): DueHeap<T> {
  const entries: { dueMs: number; order: number; item: T }[] = [];
  let order = 0;

  function isBefore(a: number, b: number): boolean {
    const [left, right] = [entries[a], entries[b]];
    if (left === undefined || right === undefined) return false;
    return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
  }

  function swap(a: number, b: number): void {
    const [left, right] = [entries[a], entries[b]];
    if (left === undefined || right === undefined) return;
    entries[a] = right;
    entries[b] = left;
  }

  function sink(): void {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let first = at;
      if (isBefore(left, first)) first = left;
      if (isBefore(right, first)) first = right;
      if (first === at) return;
      swap(at, first);
      at = first;
    }
  }

  return {
    push: (dueMs, item) => {
      entries.push({ dueMs, order: order++, item });
      for (let at = entries.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!isBefore(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
    earliestMs: () => entries[0]?.dueMs ?? Number.POSITIVE_INFINITY,
    popDue: (nowMs) => {
      const first = entries[0];
      if (first === undefined || first.dueMs > nowMs) return undefined;
      const last = entries.pop();
      if (last !== undefined && entries.length > 0) {
        entries[0] = last;
        sink();
      }
      return first.item;
    },
  };
}
