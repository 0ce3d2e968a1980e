import fc from "fast-check";
import { expect, it } from "vitest";
import { randomOf, seededRandom } from "./random.ts";

it("gives the same sequence for the same seed, and another for another", () => {
  const take = (seed: number) => {
    const random = seededRandom(seed);
    return [random.next(), random.next(), ...random.bytes(8)];
  };
  expect(take(17)).toEqual(take(17));
  expect(take(17)).not.toEqual(take(18));
});

it("never changes what a printed seed means", () => {
  const random = seededRandom(1);
  expect([random.next(), random.next(), random.next()]).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
});

it("stays within [0, 1) and fills as many bytes as asked", () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat({ max: 64 }), (seed, length) => {
      for (const random of [seededRandom(seed), randomOf(globalThis.crypto)]) {
        const value = random.next();
        expect(value >= 0 && value < 1).toBe(true);
        expect(random.bytes(length)).toHaveLength(length);
      }
    }),
  );
});

it("is spread evenly", () => {
  const counts = new Array<number>(10).fill(0);
  const random = seededRandom(7);
  for (let index = 0; index < 100_000; index += 1) {
    const bin = Math.floor(random.next() * 10);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});
