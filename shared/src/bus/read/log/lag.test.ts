// How far a partition is behind, as a table.
import { describe, expect, it } from "vitest";
import { lagOf } from "./lag.ts";

describe("a partition's lag", () => {
  const last = { sequence: 40, pending: 5, storedAtMs: 10_000 };
  const reading = { unfinished: 0, last, readUpTo: 40, buffered: 0, nowMs: 13_400 };
  const cases: [string, Partial<typeof reading>, { messages: number; seconds: number }][] = [
    ["is what the server still had", {}, { messages: 5, seconds: 3 }],
    ["and what waits here, taken or not", { unfinished: 2, buffered: 3 }, { messages: 10, seconds: 3 }],
    ["is only what is in hand once the stream was read to its end", { unfinished: 2, readUpTo: 41 }, { messages: 2, seconds: 3 }],
    ["is nothing when nothing is left", { readUpTo: 41 }, { messages: 0, seconds: 0 }],
    ["is no time in the future, whatever the server's clock says", { nowMs: 9_000 }, { messages: 5, seconds: 0 }],
  ];
  it.each(cases)("%s", (_, over, lag) => {
    expect(lagOf({ ...reading, ...over })).toEqual(lag);
  });

  it("is what has arrived, before the first record", () => {
    const nothing = { unfinished: 0, last: undefined, nowMs: 13_400 };
    expect(lagOf({ ...nothing, readUpTo: 0, buffered: 2 })).toEqual({ messages: 2, seconds: 0 });
    expect(lagOf({ ...nothing, readUpTo: 7, buffered: 2 })).toEqual({ messages: 0, seconds: 0 });
  });
});
