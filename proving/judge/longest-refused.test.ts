import { expect, it } from "vitest";
import { longestRefusedMs } from "./longest-refused.ts";

const message = (conversation: string, ...attempts: (readonly [number, number, number])[]) => ({
  conversation,
  attempts: attempts.map(([sentMs, answeredMs, status]) => ({ sentMs, answeredMs, status })),
});

it("is 0 where nothing was refused", () => {
  expect(longestRefusedMs([])).toEqual({ at_least: 0, at_most: 0 });
  expect(longestRefusedMs([message("a", [0, 5, 200], [6, 9, 401])])).toEqual({ at_least: 0, at_most: 0 });
});

it("lasts from the first 503 at least to the last, and at most to the next 2xx of the conversation, also of another message", () => {
  expect(longestRefusedMs([message("a", [0, 5, 503], [900, 910, 503]), message("a", [1_000, 1_100, 200])])).toEqual({
    at_least: 910,
    at_most: 1_100,
  });
  expect(longestRefusedMs([message("a", [0, 5, 503], [2_000, 2_010, 200]), message("a", [50, 60, 200])])).toEqual({
    at_least: 5,
    at_most: 60,
  });
});

it("keeps conversations apart, and counts one that never came back", () => {
  expect(longestRefusedMs([message("a", [0, 5, 503]), message("b", [10, 20, 200])])).toEqual({ at_least: 5, at_most: 5 });
  expect(longestRefusedMs([message("a", [0, 5, 503], [700, 705, 0])])).toEqual({ at_least: 5, at_most: 705 });
});
