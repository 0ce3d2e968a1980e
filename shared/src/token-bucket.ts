// A token bucket as plain data and functions of it: tokens grow with time up to a capacity, a call takes one, and never below zero.

export interface TokenBucket {
  readonly ratePerSecond: number;
  readonly capacity: number;
  readonly tokens: number;
  /** When `tokens` was true, on the caller's monotonic clock. */
  readonly atMs: number;
}

/** An empty bucket: whoever cannot know what was spent before it came starts with nothing. Rate and capacity must be above 0, capacity at least 1. */
export function createTokenBucket(ratePerSecond: number, capacity: number, nowMs: number): TokenBucket {
  if (!(ratePerSecond > 0) || !(capacity >= 1))
    throw new Error(`a token bucket needs a rate above 0 and a capacity of at least 1, got ${ratePerSecond} and ${capacity}`);
  return { ratePerSecond, capacity, tokens: 0, atMs: nowMs };
}

/** The same bucket later. A clock that went back adds nothing. */
export function refilled(bucket: TokenBucket, nowMs: number): TokenBucket {
  const elapsedMs = nowMs - bucket.atMs;
  if (elapsedMs <= 0) return bucket;
  return { ...bucket, tokens: Math.min(bucket.capacity, bucket.tokens + (elapsedMs * bucket.ratePerSecond) / 1000), atMs: nowMs };
}

/** The bucket after one token was taken, or undefined when there is none yet. */
export function takeToken(bucket: TokenBucket, nowMs: number): TokenBucket | undefined {
  const now = refilled(bucket, nowMs);
  // What floating point lost on the way to a whole token is not worth another wait.
  if (now.tokens < 1 - 1e-9) return undefined;
  return { ...now, tokens: Math.max(0, now.tokens - 1) };
}

/** Milliseconds until `count` tokens could have been taken one after another; 0 when they are there. */
export function tokenWaitMs(bucket: TokenBucket, nowMs: number, count = 1): number {
  const missing = count - refilled(bucket, nowMs).tokens;
  return missing <= 1e-9 ? 0 : (missing * 1000) / bucket.ratePerSecond;
}

/** Another rate from now on; what has been saved up stays, within the new capacity. */
export function withRate(bucket: TokenBucket, ratePerSecond: number, capacity: number, nowMs: number): TokenBucket {
  const now = refilled(bucket, nowMs);
  return { ratePerSecond, capacity, tokens: Math.min(capacity, now.tokens), atMs: now.atMs };
}
