import fc from "fast-check";
import { expect, it } from "vitest";
import { createTokenBucket, refilled, takeToken, tokenWaitMs, withRate } from "./token-bucket.ts";

it("never goes below zero nor above its capacity, and never gives more than rate x time + capacity", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 500, noNaN: true }),
      fc.double({ min: 1, max: 20, noNaN: true }),
      fc.array(fc.double({ min: -5, max: 2_000, noNaN: true }), { maxLength: 200 }),
      (rate, capacity, steps) => {
        let bucket = createTokenBucket(rate, capacity, 0);
        let nowMs = 0;
        let latestMs = 0;
        let taken = 0;
        for (const step of steps) {
          nowMs += step;
          latestMs = Math.max(latestMs, nowMs);
          const after = takeToken(bucket, nowMs);
          if (after) taken += 1;
          bucket = after ?? bucket;
          expect(bucket.tokens).toBeGreaterThanOrEqual(0);
          expect(bucket.tokens).toBeLessThanOrEqual(capacity);
        }
        expect(taken).toBeLessThanOrEqual((rate * latestMs) / 1000 + capacity + 1e-6);
      },
    ),
  );
});

it("gives a token after exactly the wait that it announced", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 500, noNaN: true }),
      fc.double({ min: 0, max: 10_000, noNaN: true }),
      (rate, nowMs) => {
        const bucket = createTokenBucket(rate, 1, 0);
        const waitMs = tokenWaitMs(bucket, nowMs);
        expect(takeToken(bucket, nowMs + waitMs)).toBeDefined();
        if (waitMs > 1) expect(takeToken(bucket, nowMs + waitMs - 0.5)).toBeUndefined();
      },
    ),
  );
});

it("keeps what was saved when the rate changes, and starts empty", () => {
  const bucket = createTokenBucket(10, 5, 0);
  expect(takeToken(bucket, 0)).toBeUndefined();
  expect(refilled(bucket, 10_000).tokens).toBe(5);
  expect(withRate(bucket, 1, 2, 300).tokens).toBe(2);
});
