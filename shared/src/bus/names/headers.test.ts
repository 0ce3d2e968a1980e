import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareOrigins,
  enrichedMessageId,
  formatOrigin,
  headerText,
  inboundMessageId,
  type Origin,
  outboundMessageId,
  parseOrigin,
} from "./headers.ts";

const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const origin: fc.Arbitrary<Origin> = fc.record({ streamEpochMs: number, sequence: number, index: number });
const near: fc.Arbitrary<Origin> = fc.record({
  streamEpochMs: fc.nat({ max: 2 }),
  sequence: fc.nat({ max: 12 }),
  index: fc.nat({ max: 12 }),
});

describe("origin", () => {
  it("round-trips", () => {
    fc.assert(
      fc.property(origin, (each) => {
        expect(parseOrigin(formatOrigin(each))).toEqual(each);
      }),
    );
  });

  it("is ordered by stream, then sequence, then index, as numbers and not as text", () => {
    const at = (text: string) => parseOrigin(text) ?? expect.fail(text);
    for (const [earlier, later] of [
      ["1.9.9", "2.0.0"],
      ["1.9.0", "1.10.0"],
      ["1.2.9", "1.2.10"],
    ] as const) {
      expect(compareOrigins(at(earlier), at(later))).toBeLessThan(0);
      expect(compareOrigins(at(later), at(earlier))).toBeGreaterThan(0);
    }
    fc.assert(
      fc.property(near, near, near, (a, b, c) => {
        expect(Math.sign(compareOrigins(a, b))).toBe(-Math.sign(compareOrigins(b, a)) + 0);
        expect(compareOrigins(a, b) === 0).toBe(formatOrigin(a) === formatOrigin(b));
        if (compareOrigins(a, b) <= 0 && compareOrigins(b, c) <= 0) expect(compareOrigins(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it("is not read from anything else", () => {
    for (const text of [undefined, "", "1", "1.2", "1.2.3.4", "1.2.x", "-1.2.3", "1.2.3\n", " 1.2.3", "1.2.3 ", "1e3.2.3"])
      expect(parseOrigin(text)).toBeUndefined();
  });
});

describe("message ids for the broker", () => {
  it("have the fixed forms", () => {
    expect(inboundMessageId("acc", "C1:1700000000.000100")).toBe("inb:acc:C1:1700000000.000100");
    expect(outboundMessageId("01ARZ3NDEKTSV4RRFFQ69G5FAV")).toBe("out:01ARZ3NDEKTSV4RRFFQ69G5FAV");
    expect(enrichedMessageId("m")).toBe("enr:m");
  });

  it("are always one line of printable ASCII, and back again the same source id", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const encoded = headerText(text);
        expect(encoded).toMatch(/^[\x21-\x7e]*$/);
        expect(decodeURIComponent(encoded)).toBe(text.toWellFormed());
      }),
    );
  });

  it("G3: differ for source ids that differ only in what a header cannot carry", () => {
    const ids = ["a b", "a%20b", "a+b", "a\tb", "a\nb", "a\r\nb", "a_b", "a%2520b", "é", "e\u0301", "\u0000"];
    expect(new Set(ids.map((id) => inboundMessageId("acc", id))).size).toBe(ids.length);
  });
});
