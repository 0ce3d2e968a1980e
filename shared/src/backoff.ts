// Growing pauses between tries: exponential up to a ceiling, with jitter so that many who failed together do not come back together.
import type { Random } from "./random.ts";

export interface BackoffLimits {
  startMs: number;
  maxMs: number;
}

/** The pause after the n-th failure in a row (from 1): between half and the whole of `startMs x 2^(n-1)`, at most `maxMs`. */
export function backoffMs(failures: number, limits: BackoffLimits, random: Random): number {
  const fullMs = Math.min(limits.maxMs, limits.startMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return fullMs * (0.5 + random.next() / 2);
}
