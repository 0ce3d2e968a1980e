// What arrives of the outbound queue, as tables.
import { describe, expect, it } from "vitest";
import { arrivalOf, takeReads } from "./read-outbound.ts";

describe("a message that arrives, with 10 in the ledger and 13 in hand", () => {
  const cases: [number, ReturnType<typeof arrivalOf>][] = [
    [1, { kind: "written" }],
    [10, { kind: "written" }],
    [11, { kind: "in_hand" }],
    [13, { kind: "in_hand" }],
    [14, { kind: "new", lostBefore: 0 }],
    [17, { kind: "new", lostBefore: 3 }],
  ];
  it.each(cases)("is, as %d, %o", (sequence, arrival) => {
    expect(arrivalOf(sequence, 10, 13)).toEqual(arrival);
  });
});

describe("what is written together", () => {
  const cases: [string, number[], number[]][] = [
    ["is all there is, when it is small", [40, 60], [40, 60]],
    ["is what fits", [40, 40, 40], [40, 40]],
    ["is one that does not fit, alone", [400, 1], [400]],
    ["is nothing of nothing", [], []],
  ];
  it.each(cases)("%s", (_, sizes, taken) => {
    const buffer = sizes.map((size) => ({ incoming: { data: new Uint8Array(size) } }));
    expect(takeReads(buffer, 100).map(({ incoming }) => incoming.data.length)).toEqual(taken);
    expect(buffer).toHaveLength(sizes.length - taken.length);
  });
});
