// How far a partition is behind, as its status says it. Pure.

interface Reading {
  /** Of this partition, in hand. */
  unfinished: number;
  /** The last record that was taken from the log, of whichever partition. */
  last: { sequence: number; pending: number; storedAtMs: number } | undefined;
  /** Everything up to here has been taken. */
  readUpTo: number;
  /** Received, and not taken yet. */
  buffered: number;
  nowMs: number;
}

/** What is unread counts for every partition of the log: nobody knows whose it is. */
export function lagOf({ unfinished, last, readUpTo, buffered, nowMs }: Reading): { messages: number; seconds: number } {
  const readToTheEnd = readUpTo > (last?.sequence ?? 0);
  const messages = readToTheEnd ? unfinished : unfinished + (last?.pending ?? 0) + buffered;
  const seconds = messages === 0 || !last ? 0 : Math.max(0, (nowMs - last.storedAtMs) / 1_000);
  return { messages, seconds: Math.round(seconds) };
}
