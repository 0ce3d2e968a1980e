// How Cliq counts: calls of one kind by one user in a minute, over all of the user's tokens; one call too many locks that kind.
import type { Clock } from "../../../clock.ts";

export interface MinuteLimit {
  perMinute: number;
  lockMs: number;
}

const minute = 60_000;

/** The numbers that Cliq's REST API publishes for one user. The limit of edits is not published; they are counted as sends are. */
const limits = {
  send: { perMinute: 50, lockMs: 10 * minute },
  edit: { perMinute: 50, lockMs: 10 * minute },
  thread: { perMinute: 20, lockMs: 10 * minute },
  delete: { perMinute: 50, lockMs: 5 * minute },
  history: { perMinute: 15, lockMs: 10 * minute },
} as const satisfies Record<string, MinuteLimit>;

export type LimitKind = keyof typeof limits;

export class MinuteBuckets {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { calls: number[]; lockedUntilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the call is within the limit, and counts it; a call under lock is refused and changes nothing. */
  take(user: string, kind: LimitKind): boolean {
    const nowMs = this.#clock.monotonicMs();
    const { perMinute, lockMs } = limits[kind];
    const key = `${user} ${kind}`;
    const bucket = this.#buckets.get(key) ?? { calls: [], lockedUntilMs: Number.NEGATIVE_INFINITY };
    this.#buckets.set(key, bucket);
    if (nowMs < bucket.lockedUntilMs) return false;
    bucket.calls = bucket.calls.filter((atMs) => atMs > nowMs - minute);
    if (bucket.calls.length >= perMinute) {
      bucket.lockedUntilMs = nowMs + lockMs;
      return false;
    }
    bucket.calls.push(nowMs);
    return true;
  }
}
