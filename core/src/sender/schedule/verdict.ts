// What happens after a call: a table of outcome x grade x failures so far. Pure, so that every row of it is a test.
import { backoffMs } from "@mio/shared/backoff.ts";
import type { Delivered, DeliveryGrade } from "@mio/shared/channels/contract/outbound.ts";
import type { Random } from "@mio/shared/random.ts";

export type CallOutcome =
  | { kind: "sent"; delivered: Delivered }
  | { kind: "rate_limited"; retryAfterMs: number | undefined; code: string; text: string }
  | { kind: "unavailable"; code: string; text: string }
  | { kind: "rejected"; code: string; text: string }
  | { kind: "unknown"; code: string; text: string }
  /** We did not make the call: no budget in time, a lapsed lease, a stop. */
  | { kind: "not_called"; reason: string };

interface Situation {
  grade: DeliveryGrade;
  /** Failures in a row before this call, and for how long they have been going on. */
  failures: number;
  failingForMs: number;
}

export type Verdict =
  | { kind: "sent" }
  /** `spent`: this counts as an attempt and as a failure. `blockMs`: the whole account waits. */
  | { kind: "retry"; afterMs: number; spent: boolean; blockMs: number }
  | { kind: "failed"; code: string; text: string }
  | { kind: "unknown"; code: string; text: string };

export interface VerdictLimits {
  backoff: { startMs: number; maxMs: number };
  failuresMax: number;
  /** A platform that cannot be reached is given this long, from the first failure on. */
  failingMaxMs: number;
  /** When a platform says "slow down" and not for how long. */
  rateLimitedDefaultMs: number;
  /** After this long it is asked again, whatever it said. */
  rateLimitedMaxMs: number;
}

export const verdictLimits: VerdictLimits = {
  backoff: { startMs: 500, maxMs: 60_000 },
  failuresMax: 200,
  failingMaxMs: 2 * 3_600_000,
  rateLimitedDefaultMs: 1_000,
  rateLimitedMaxMs: 3_600_000,
};

/**
 * | outcome      | exactly once                    | reconcilable, cannot tell       |
 * |--------------|---------------------------------|---------------------------------|
 * | sent         | sent                            | sent                            |
 * | rate_limited | the account waits, no attempt   | the same                        |
 * | unavailable  | retry with backoff, then failed | the same                        |
 * | rejected     | failed                          | failed                          |
 * | unknown      | retry, then unknown             | unknown, parked for a person    |
 * | not_called   | retry at once, no attempt       | the same                        |
 */
export function verdictOf(outcome: CallOutcome, situation: Situation, limits: VerdictLimits, random: Random): Verdict {
  switch (outcome.kind) {
    case "sent":
      return { kind: "sent" };
    case "rate_limited": {
      const asked = outcome.retryAfterMs ?? limits.rateLimitedDefaultMs;
      const waitMs = Number.isFinite(asked) ? Math.min(limits.rateLimitedMaxMs, Math.max(1, asked)) : limits.rateLimitedDefaultMs;
      return { kind: "retry", afterMs: waitMs, spent: false, blockMs: waitMs };
    }
    case "not_called":
      return { kind: "retry", afterMs: 0, spent: false, blockMs: 0 };
    case "rejected":
      return { kind: "failed", code: outcome.code, text: outcome.text };
    case "unavailable":
      return (
        retry(situation, limits, random) ?? {
          kind: "failed",
          code: outcome.code,
          text: `given up after ${situation.failures + 1} tries: ${outcome.text}`,
        }
      );
    case "unknown": {
      // The idempotency key makes the platform drop a repeat; without one nobody may simply try again.
      const again = situation.grade === "exactly_once" ? retry(situation, limits, random) : undefined;
      return again ?? { kind: "unknown", code: outcome.code, text: outcome.text };
    }
  }
}

function retry(situation: Situation, limits: VerdictLimits, random: Random): Verdict | undefined {
  const failures = situation.failures + 1;
  if (failures >= limits.failuresMax || situation.failingForMs >= limits.failingMaxMs) return undefined;
  return { kind: "retry", afterMs: backoffMs(failures, limits.backoff, random), spent: true, blockMs: 0 };
}
