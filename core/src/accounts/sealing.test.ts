import { parseSealingKeys, type SealingKey } from "@mio/shared/bus/wire/sealed-value.ts";
import { describe, expect, it } from "vitest";
import { indexOfSecret, secretRingOf } from "./sealing.ts";

const place = { tenantId: "t1", accountId: "a1", purpose: "credential", scheme: "token" };
const value = "xoxb-a-secret-of-ünusual-form";

function key(id: string, fill: number): SealingKey {
  return { id, bytes: new Uint8Array(32).fill(fill) };
}
const [first, second] = [key("k1", 1), key("k2", 2)];

describe("a sealed secret", () => {
  it("opens where it was sealed, and holds nothing of its value", () => {
    const ring = secretRingOf([first]);
    const sealed = ring.seal(place, value);
    expect(ring.open(place, sealed)).toEqual({ kind: "opened", value });
    expect(Buffer.from(sealed.bytes).toString("latin1")).not.toContain("xoxb");
    expect(ring.open(place, ring.seal(place, ""))).toEqual({ kind: "opened", value: "" });
  });

  it("is another one each time", () => {
    const ring = secretRingOf([first]);
    const nonces = Array.from({ length: 100 }, () => Buffer.from(ring.seal(place, value).bytes.subarray(0, 12)).toString("hex"));
    expect(new Set(nonces).size).toBe(100);
  });

  it("G11: opens nowhere but where it was sealed", () => {
    const ring = secretRingOf([first]);
    const sealed = ring.seal(place, value);
    const elsewhere = [
      { ...place, tenantId: "t2" },
      { ...place, accountId: "a2" },
      { ...place, purpose: "verification" },
      { ...place, scheme: "hmac" },
      // No part passes for two.
      { ...place, tenantId: "", accountId: "t1a1" },
    ];
    for (const other of elsewhere) expect(ring.open(other, sealed)).toMatchObject({ kind: "refused", reason: "not_authentic" });
  });

  it("does not open with any of its bytes changed, cut or added, and never throws", () => {
    const ring = secretRingOf([first]);
    const { keyName, bytes } = ring.seal(place, value);
    const refused = { kind: "refused", keyName, reason: "not_authentic" };
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(ring.open(place, { keyName, bytes: changed })).toEqual(refused);
    }
    for (let length = 0; length < bytes.length; length += 1)
      expect(ring.open(place, { keyName, bytes: bytes.subarray(0, length) })).toEqual(refused);
    expect(ring.open(place, { keyName, bytes: Buffer.concat([bytes, Buffer.of(0)]) })).toEqual(refused);
  });

  it("is sealed with the ring's first key, and opens with any, in whatever order they stand", () => {
    const old = secretRingOf([first]).seal(place, value);
    expect(secretRingOf([second, first]).open(place, old)).toEqual({ kind: "opened", value });
    expect(secretRingOf([first, second]).open(place, old)).toEqual({ kind: "opened", value });
    expect(secretRingOf([second, first]).seal(place, value).keyName).toMatch(/^k2:/);
  });

  it("names the key that the ring lacks, also when another one has its id", () => {
    const old = secretRingOf([first]).seal(place, value);
    for (const ring of [secretRingOf([second]), secretRingOf([key("k1", 9)])])
      expect(ring.open(place, old)).toEqual({ kind: "refused", keyName: old.keyName, reason: "unknown_key" });
    // Renamed by hand to a key that is there.
    const ring = secretRingOf([second]);
    expect(ring.open(place, { ...old, keyName: ring.sealsWith })).toMatchObject({ reason: "not_authentic" });
  });

  it("is not sealed without a key", () => {
    expect(() => secretRingOf([])).toThrow(/MIO_SECRET_KEYS/);
    expect(parseSealingKeys("k1:AAAA")).toBeUndefined();
  });
});

it("is known again by its index, which depends on the pepper, the purpose, the scheme and the value", () => {
  const secret = { scheme: "hmac", value };
  const pepper = new Uint8Array(32).fill(7);
  const index = indexOfSecret(pepper, "verification", secret);
  expect(indexOfSecret(pepper, "verification", { ...secret })).toEqual(index);
  const others = [
    indexOfSecret(new Uint8Array(32).fill(8), "verification", secret),
    indexOfSecret(pepper, "credential", secret),
    indexOfSecret(pepper, "verification", { ...secret, scheme: "token" }),
    indexOfSecret(pepper, "verification", { ...secret, value: `${value}.` }),
  ];
  for (const other of others) expect(other).not.toEqual(index);
});
