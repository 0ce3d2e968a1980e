import { Histogram, Registry } from "prom-client";
import { expect, it } from "vitest";
import { DeltaHistogram } from "./delta-histogram.ts";

it("says in the text format what prom-client's own says of the same values", async () => {
  const bounds = [1, 2.5, 10];
  const texts: string[] = [];
  for (const kind of ["own", "library's"]) {
    const registry = new Registry();
    const configuration = { name: "m", help: "h", labelNames: ["a", "b"], buckets: bounds, registers: [registry] };
    if (kind === "own") {
      const own = new DeltaHistogram(configuration);
      own.add({ a: "x", b: 'with "quotes"\n' }, { counts: [1, 0, 1, 0], sum: 5 });
      own.add({ a: "y", b: "" }, { counts: [0, 0, 0, 1], sum: 11 });
      own.add({ a: "x", b: 'with "quotes"\n' }, { counts: [0, 1, 0, 2], sum: 42 });
    } else {
      const library = new Histogram(configuration);
      for (const value of [0.5, 4.5]) library.observe({ a: "x", b: 'with "quotes"\n' }, value);
      library.observe({ a: "y", b: "" }, 11);
      for (const value of [2, 20, 20]) library.observe({ a: "x", b: 'with "quotes"\n' }, value);
    }
    texts.push((await registry.metrics()).split("\n").sort().join("\n"));
  }
  expect(texts[0]).toContain('m_bucket{le="+Inf",a="y",b=""} 1');
  expect(texts[0]).toBe(texts[1]);
});

it("refuses counts of other buckets", () => {
  const histogram = new DeltaHistogram({ name: "m", help: "h", buckets: [1, 2], registers: [] });
  expect(() => histogram.add({}, { counts: [1, 2], sum: 1 })).toThrow("m has other buckets");
});
