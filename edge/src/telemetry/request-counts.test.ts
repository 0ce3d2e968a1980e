import { requestKindsMax, requestsOf } from "@mio/shared/bus/wire/telemetry.ts";
import { describe, expect, it } from "vitest";
import { RequestCounts } from "./request-counts.ts";

describe("counts of requests", () => {
  it("hands over what came since the last time, once, and knows what was recorded since the start", () => {
    const counts = new RequestCounts();
    counts.record("alpha", "accepted", 200, 3);
    counts.record("alpha", "accepted", 200, 40);
    counts.record("alpha", "refused", 401, 0);
    const taken = counts.take();
    expect(taken.map((each) => [each.outcome, each.httpStatus, requestsOf(each)])).toEqual([
      ["accepted", 200, 2],
      ["refused", 401, 1],
    ]);
    expect(taken[0]?.durationSeconds).toMatchObject({
      counts: [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
      sum: expect.closeTo(0.043),
    });
    expect(counts.take()).toEqual([]);
    counts.merge(taken);
    expect(counts.take()).toEqual(taken);
    expect(counts.read()).toEqual({ alpha: { accepted: 2, refused: 1 } });
  });

  it("puts a duration on the bound into its bucket, and what is above all bounds into the last", () => {
    const counts = new RequestCounts();
    for (const ms of [1, 1.001, 3_000, 10_000, 10_001, 1e9]) counts.record("alpha", "accepted", 200, ms);
    expect(counts.take()[0]?.durationSeconds?.counts).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2]);
  });

  it("keeps a bounded number of kinds and loses no request by it", () => {
    const counts = new RequestCounts();
    for (let kind = 0; kind < 5 * requestKindsMax; kind += 1) counts.record(`c${kind}`, "accepted", 200, 1);
    const taken = counts.take();
    expect(taken.length).toBeLessThanOrEqual(requestKindsMax);
    expect(taken.reduce((sum, each) => sum + requestsOf(each), 0)).toBe(5 * requestKindsMax);
  });
});
