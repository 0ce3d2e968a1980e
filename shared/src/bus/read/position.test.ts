// The position never passes an unfinished record, and never goes back.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { trackPosition } from "./position.ts";

describe("a position", () => {
  it("moves only over finished records, without holes", () => {
    const tracker = trackPosition({ position: 10, finished: [13] });
    for (const sequence of [12, 14, 15]) expect(tracker.begin(sequence)).toBe(true);
    expect(tracker.snapshot()).toEqual({ position: 11, finished: [13] });
    tracker.finish(14);
    expect(tracker.snapshot()).toEqual({ position: 11, finished: [13, 14] });
    tracker.finish(12);
    expect(tracker.snapshot()).toEqual({ position: 14, finished: [] });
    tracker.cover(40);
    expect(tracker.snapshot()).toEqual({ position: 14, finished: [] });
    tracker.finish(15);
    expect(tracker.snapshot()).toEqual({ position: 40, finished: [] });
  });

  it("does not let a finished record be handled again", () => {
    const tracker = trackPosition({ position: 10, finished: [13] });
    expect([9, 10, 13].map((sequence) => tracker.begin(sequence))).toEqual([false, false, false]);
    expect(tracker.begin(11)).toBe(true);
    expect(tracker.begin(11)).toBe(false);
  });

  it("G2: after any crash, what the next owner skips was finished", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 60 }), fc.integer({ min: 1, max: 30 }), (finishing, begun) => {
        const tracker = trackPosition({ position: 0, finished: [] });
        const done = new Set<number>();
        for (let sequence = 1; sequence <= begun; sequence += 1) tracker.begin(sequence);
        let before = 0;
        for (const sequence of finishing) {
          tracker.finish(sequence);
          if (sequence >= 1 && sequence <= begun) done.add(sequence);
          const { position, finished } = tracker.snapshot();
          expect(position).toBeGreaterThanOrEqual(before);
          before = position;
          const next = trackPosition({ position, finished });
          for (let each = 1; each <= begun; each += 1) expect(next.begin(each)).toBe(!done.has(each));
        }
      }),
    );
  });
});
