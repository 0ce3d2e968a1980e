// One answer on both of its ways, held against Node's own HMAC.
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hmacSha256Fits } from "./hmac.ts";

const lengths = [0, 1, 55, 56, 63, 64, 65, 300, 12 * 1024 - 1, 12 * 1024, 12 * 1024 + 1, 1024 * 1024];
const secrets = ["s", "ключ", "x".repeat(64), "x".repeat(65), "x".repeat(200)];

describe("hmacSha256Fits", () => {
  it.each(lengths)("G11: accepts what OpenSSL signed, and nothing else, over %i bytes", async (length) => {
    const signed = Uint8Array.from({ length }, (_, index) => index * 31);
    for (const secret of secrets) {
      const signature = new Uint8Array(createHmac("sha256", secret).update(signed).digest());
      expect(await hmacSha256Fits(secret, signed, signature)).toBe(true);
      expect(await hmacSha256Fits(`${secret}.`, signed, signature)).toBe(false);
      for (const index of [0, 15, 31])
        expect(
          await hmacSha256Fits(
            secret,
            signed,
            signature.map((byte, at) => (at === index ? byte ^ 1 : byte)),
          ),
        ).toBe(false);
      for (const wrong of [new Uint8Array(), signature.slice(0, 31), new Uint8Array([...signature, 0])])
        expect(await hmacSha256Fits(secret, signed, wrong)).toBe(false);
    }
  });

  it("accepts nothing under an empty secret", async () => {
    const signed = new Uint8Array(3);
    expect(await hmacSha256Fits("", signed, new Uint8Array(createHmac("sha256", "").update(signed).digest()))).toBe(false);
  });
});
