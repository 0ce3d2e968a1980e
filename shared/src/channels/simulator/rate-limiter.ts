// The platform's own count of what an app may ask: a bucket of tokens for each key. It shares no code with the sender's, for
// one misreading must not pass on both sides.
import type { Clock } from "../../clock.ts";

/** Buckets that are remembered; a full one is forgotten without loss. */
const bucketsMax = 10_000;

export interface RateLimit {
  perSecond: number;
  /** Calls that may come at once after a rest. */
  burst: number;
}

export class RateLimiter {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { tokens: number; atMs: number; limit: RateLimit }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0 when the call is allowed (and counted), else the milliseconds until one will be. */
  take(key: string, limit: RateLimit): number {
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(key);
    const tokens = bucket ? refilled(bucket, nowMs, limit) : limit.burst;
    const allowed = tokens >= 1;
    if (!bucket && this.#buckets.size >= bucketsMax) this.#forgetFull(nowMs);
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, atMs: nowMs, limit });
    return allowed ? 0 : Math.ceil(((1 - tokens) / limit.perSecond) * 1000);
  }

  #forgetFull(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (refilled(bucket, nowMs, bucket.limit) >= bucket.limit.burst) this.#buckets.delete(key);
    }
  }
}

function refilled(bucket: { tokens: number; atMs: number }, nowMs: number, limit: RateLimit): number {
  return Math.min(limit.burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * limit.perSecond);
}
