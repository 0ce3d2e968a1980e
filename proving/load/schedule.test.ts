import { seededRandom } from "@mio/shared/random.ts";
import { expect, it } from "vitest";
import { scheduleOf, type Turn } from "./schedule.ts";

const options = { rate: 500, conversations: 20 };
const seconds = 4;
function of(seed: number): Turn[] {
  const schedule = scheduleOf({ ...options, random: seededRandom(seed) });
  return Array.from({ length: options.rate * seconds }, () => schedule.next().value);
}

it("is the same for the same seed, and another for another", () => {
  expect(of(7)).toEqual(of(7));
  expect(of(7)).not.toEqual(of(8));
});

it("writes exactly the rate, in order, and numbers each conversation without holes", () => {
  const turns = of(7);
  expect(turns).toHaveLength(2_000);
  for (let second = 0; second < seconds; second += 1) {
    expect(turns.filter(({ atMs }) => Math.floor(atMs / 1_000) === second)).toHaveLength(500);
  }
  expect(turns.map(({ atMs }) => atMs)).toEqual(turns.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  const counts = new Map<string, number>();
  for (const { conversation, k } of turns) {
    expect(k).toBe((counts.get(conversation) ?? 0) + 1);
    counts.set(conversation, k);
  }
  expect(counts.size).toBe(20);
});
