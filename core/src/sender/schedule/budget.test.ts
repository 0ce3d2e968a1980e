import { seededRandom } from "@mio/shared/random.ts";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createBudget } from "./budget.ts";

it("G8: no window of ten seconds holds more calls than the limit allows, whatever the delays before the call", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 300 }), (seed, rate, slowMs) => {
      const random = seededRandom(seed);
      const budget = createBudget(rate, 0);
      const calls: number[] = [];
      let ready: number[] = [];
      for (let nowMs = 0; nowMs < 25_000; nowMs += 1) {
        while (budget.admissionMs(nowMs) <= nowMs) {
          budget.admit();
          ready.push(nowMs + random.next() * slowMs);
        }
        const waiting: number[] = [];
        for (const readyMs of ready) {
          if (readyMs > nowMs) waiting.push(readyMs);
          else if (random.next() < 0.05) budget.release();
          else if (budget.take(nowMs) === true) calls.push(nowMs);
          else waiting.push(readyMs);
        }
        ready = waiting;
      }
      let from = 0;
      for (const [index, atMs] of calls.entries()) {
        while ((calls[from] ?? 0) <= atMs - 10_000) from += 1;
        expect(index - from + 1).toBeLessThanOrEqual(Math.ceil(1.01 * rate * 10) + 1);
      }
      // And it is not far below the limit either, as long as the database keeps up.
      if (slowMs < 50) expect(calls.length).toBeGreaterThan(rate * 25 * 0.8 - 1);
    }),
    { numRuns: 15 },
  );
});

it("admits nothing while blocked, and starts empty after it", () => {
  const budget = createBudget(10, 0);
  expect(budget.admissionMs(1_000)).toBe(1_000);
  budget.admit();
  budget.block(5_000);
  expect(budget.take(1_000)).toBe("blocked");
  budget.release();
  expect(budget.admissionMs(1_000)).toBe(5_000);
  expect(budget.take(5_000)).toBeGreaterThan(0);
  budget.block(3_000);
  expect(budget.blockedUntilMs()).toBe(5_000);
});
