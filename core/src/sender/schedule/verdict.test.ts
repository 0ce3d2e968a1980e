import type { DeliveryGrade } from "@mio/shared/channels/contract/outbound.ts";
import { DeliveryError } from "@mio/shared/channels/contract/outbound.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { expect, it } from "vitest";
import { outcomeOf } from "../delivery/deliver.ts";
import { type CallOutcome, verdictLimits, verdictOf } from "./verdict.ts";

const problem = { code: "c", text: "t" };
const outcomes: Record<CallOutcome["kind"], CallOutcome> = {
  sent: { kind: "sent", delivered: { externalId: "p" } },
  rate_limited: { kind: "rate_limited", retryAfterMs: 700, ...problem },
  unavailable: { kind: "unavailable", ...problem },
  rejected: { kind: "rejected", ...problem },
  unknown: { kind: "unknown", ...problem },
  not_called: { kind: "not_called", reason: "r" },
};

const table: [CallOutcome["kind"], DeliveryGrade, "early" | "late", string][] = [
  ["sent", "cannot_tell", "late", "sent"],
  ["rate_limited", "cannot_tell", "late", "wait"],
  ["not_called", "exactly_once", "late", "wait"],
  ["rejected", "exactly_once", "early", "failed"],
  ["unavailable", "cannot_tell", "early", "spend"],
  ["unavailable", "reconcilable", "late", "failed"],
  ["unknown", "cannot_tell", "early", "unknown"],
  ["unknown", "reconcilable", "early", "unknown"],
  ["unknown", "exactly_once", "early", "spend"],
  ["unknown", "exactly_once", "late", "unknown"],
];

it.each(table)("%s on %s, %s: %s", (kind, grade, when, expected) => {
  const situation = { grade, failures: when === "late" ? verdictLimits.failuresMax : 1, failingForMs: 10 };
  const verdict = verdictOf(outcomes[kind], situation, verdictLimits, seededRandom(1));
  expect(verdict.kind === "retry" ? (verdict.spent ? "spend" : "wait") : verdict.kind).toBe(expected);
});

it("gives up by time as well as by count, and grows its pauses up to a ceiling", () => {
  const situation = { grade: "cannot_tell", failures: 1, failingForMs: verdictLimits.failingMaxMs } as const;
  expect(verdictOf(outcomes.unavailable, situation, verdictLimits, seededRandom(1)).kind).toBe("failed");
  const pauses = [0, 3, 8, 150].map((failures) => {
    const verdict = verdictOf(outcomes.unavailable, { ...situation, failures, failingForMs: 0 }, verdictLimits, {
      ...seededRandom(1),
      next: () => 1,
    });
    return verdict.kind === "retry" ? verdict.afterMs : undefined;
  });
  expect(pauses).toEqual([500, 4_000, 60_000, 60_000]);
});

it("blocks the account for as long as the platform says, or for a second when it does not", () => {
  const situation = { grade: "cannot_tell", failures: 0, failingForMs: 0 } as const;
  expect(verdictOf(outcomes.rate_limited, situation, verdictLimits, seededRandom(1))).toMatchObject({
    blockMs: 700,
    afterMs: 700,
  });
  for (const [asked, blockMs] of [
    [Number.NaN, 1_000],
    [Number.POSITIVE_INFINITY, 1_000],
    [-5, 1],
    [1e12, 3_600_000],
  ] as const) {
    const odd: CallOutcome = { kind: "rate_limited", retryAfterMs: asked, ...problem };
    expect(verdictOf(odd, situation, verdictLimits, seededRandom(1))).toMatchObject({ blockMs });
  }
  const unsaid: CallOutcome = { kind: "rate_limited", retryAfterMs: undefined, ...problem };
  expect(verdictOf(unsaid, situation, verdictLimits, seededRandom(1))).toMatchObject({ blockMs: 1_000 });
});

it("takes a fault in a channel's code for a refusal only while nothing was written", () => {
  expect(outcomeOf(new TypeError("x"), false)).toMatchObject({ kind: "rejected", code: "door_fault" });
  expect(outcomeOf(new TypeError("x"), true)).toMatchObject({ kind: "unknown", code: "door_fault" });
  expect(outcomeOf(new DeliveryError("rate_limited", "slow", "t", { retryAfterMs: 5 }), true)).toMatchObject({
    kind: "rate_limited",
    retryAfterMs: 5,
  });
});
