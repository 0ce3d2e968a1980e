// One account's budget of calls. A call is admitted when its token is near (so that `sending` can be written meanwhile), and takes its token in
// the moment before it is written; so what the platform sees is paced, however long our own database took.
import { createTokenBucket, refilled, type TokenBucket, takeToken, tokenWaitMs, withRate } from "@mio/shared/token-bucket.ts";

export interface Budget {
  /** When the next call may be admitted; at or before now means now. */
  admissionMs(nowMs: number): number;
  /** Counts a call in that has not taken its token yet. */
  admit(): void;
  /** The admitted call will take no token after all. */
  release(): void;
  /** Takes the token of an admitted call: true, or the milliseconds to wait before asking again, or "blocked". */
  take(nowMs: number): true | number | "blocked";
  /** The platform said wait: nobody sends before `untilMs`, and the bucket is empty then. */
  block(untilMs: number): void;
  blockedUntilMs(): number;
  /** Nobody is admitted, nothing is blocked, and a new budget would hold as much: it may be forgotten. */
  isFull(nowMs: number): boolean;
  setRate(ratePerSecond: number, nowMs: number): void;
}

/** We pace a little below the limit, so that jitter on the way never adds up to more than it (G8). */
const paceShare = 0.98;
/** Saved up while idle, in seconds of the rate, and at least one call: more would break the limit in the platform's window. */
const burstSeconds = 0.05;
/** How long before its token a call is admitted. */
const admissionLeadMs = 100;

/** Starts empty, as of `nowMs`: what an earlier owner has spent is not known. */
export function createBudget(ratePerSecond: number, nowMs: number): Budget {
  let bucket: TokenBucket = createTokenBucket(ratePerSecond * paceShare, capacityOf(ratePerSecond), nowMs);
  let admitted = 0;
  let blockedUntilMs = Number.NEGATIVE_INFINITY;
  return {
    admissionMs: (now) => {
      if (now < blockedUntilMs) return blockedUntilMs;
      const waitMs = tokenWaitMs(bucket, now, admitted + 1);
      return waitMs <= admissionLeadMs ? now : now + waitMs - admissionLeadMs;
    },
    admit: () => {
      admitted += 1;
    },
    release: () => {
      admitted -= 1;
    },
    take: (now) => {
      if (now < blockedUntilMs) return "blocked";
      const after = takeToken(bucket, now);
      if (after === undefined) return tokenWaitMs(bucket, now);
      bucket = after;
      admitted -= 1;
      return true;
    },
    block: (untilMs) => {
      blockedUntilMs = Math.max(blockedUntilMs, untilMs);
      bucket = { ...bucket, tokens: 0, atMs: blockedUntilMs };
    },
    blockedUntilMs: () => blockedUntilMs,
    isFull: (now) => admitted === 0 && now >= blockedUntilMs && refilled(bucket, now).tokens >= bucket.capacity,
    setRate: (rate, now) => {
      if (rate * paceShare !== bucket.ratePerSecond) bucket = withRate(bucket, rate * paceShare, capacityOf(rate), now);
    },
  };
}

function capacityOf(ratePerSecond: number): number {
  return Math.max(1, ratePerSecond * burstSeconds);
}
