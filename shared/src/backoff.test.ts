import fc from "fast-check";
import { expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";
import { seededRandom } from "./random.ts";

const limits = { startMs: 200, maxMs: 60_000 };
const fixed = (value: number) => ({ next: () => value, bytes: (length: number) => new Uint8Array(length) });

it("doubles from the start up to the ceiling, and stays there", () => {
  const longest = [1, 2, 3, 9, 10, 11, 1_000, Number.POSITIVE_INFINITY].map((failures) =>
    Math.round(backoffMs(failures, limits, fixed(1 - 2 ** -53))),
  );
  expect(longest).toEqual([200, 400, 800, 51_200, 60_000, 60_000, 60_000, 60_000]);
});

it("never takes less than half of the pause, nor more than the whole", () => {
  fc.assert(
    fc.property(fc.integer({ min: -5, max: 100 }), fc.integer(), (failures, seed) => {
      const fullMs = Math.min(60_000, 200 * 2 ** Math.max(0, failures - 1));
      const pauseMs = backoffMs(failures, limits, seededRandom(seed));
      expect(pauseMs).toBeGreaterThanOrEqual(fullMs / 2);
      expect(pauseMs).toBeLessThanOrEqual(fullMs);
    }),
  );
});

it("brings those who failed together back apart", () => {
  const random = seededRandom(3);
  const pauses = Array.from({ length: 1_000 }, () => backoffMs(5, limits, random));
  expect(new Set(pauses.map((pauseMs) => Math.floor(pauseMs / 10))).size).toBeGreaterThan(100);
});
