import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SealedValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../random.ts";
import { openerOf, parseSealingKeys, type SealingKey, sealerOf } from "./sealed-value.ts";

const random = randomOf(globalThis.crypto);
const keyOf = (id: string, fill: number): SealingKey => ({ id, bytes: new Uint8Array(32).fill(fill) });
const old = keyOf("old", 1);
const present = keyOf("present", 2);
const place = { bucket: "mio_directory", key: "a1" };
const plain = new TextEncoder().encode("a secret of somebody's");
const text = (key: SealingKey) => `${key.id}:${Buffer.from(key.bytes).toString("base64")}`;

describe("a sealed value", () => {
  it("G11: opens where it was written, as what it was, and shows nothing of it", async () => {
    const sealed = await sealerOf([present], random).seal(place, 7n, plain);
    expect(Buffer.from(sealed).includes("secret")).toBe(false);
    const opened = await openerOf([old, present]).open(place, sealed);
    expect(opened).toEqual({ kind: "opened", bytes: plain, rowVersion: 7n, sealedWith: openerOf([present]).keys[0] });
  });

  it("G11: is sealed with the newest key and opens with any that is held, so that a key can be replaced", async () => {
    const before = await sealerOf([old], random).seal(place, 1n, plain);
    const rotating = sealerOf([present, old], random);
    const after = await rotating.seal(place, 1n, plain);
    for (const sealed of [before, after]) expect((await rotating.open(place, sealed)).kind).toBe("opened");
    expect(await openerOf([old]).open(place, after)).toEqual({ kind: "refused", reason: "unknown_key" });
    expect(await openerOf([present]).open(place, before)).toEqual({ kind: "refused", reason: "unknown_key" });
    expect(await openerOf([]).open(place, before)).toEqual({ kind: "refused", reason: "unknown_key" });
  });

  it("G11: is refused under another key or bucket, with another version or key id, or sealed with another key of the same id", async () => {
    const bytes = await sealerOf([present], random).seal(place, 7n, plain);
    const sealed = fromBinary(SealedValueSchema, bytes);
    const opener = openerOf([present, keyOf("twin", 2)]);
    for (const elsewhere of [
      { ...place, key: "a2" },
      { ...place, key: "a" },
      { ...place, bucket: "mio_positions" },
    ])
      expect(await opener.open(elsewhere, bytes)).toEqual({ kind: "refused", reason: "not_authentic" });
    for (const change of [
      { rowVersion: 8n },
      { rowVersion: 0n },
      { keyId: "twin" },
      { nonce: sealed.nonce.slice(1) },
      { ciphertext: new Uint8Array() },
      { ciphertext: sealed.ciphertext.slice(0, -1) },
    ])
      expect(await opener.open(place, toBinary(SealedValueSchema, { ...sealed, ...change })), JSON.stringify(Object.keys(change))) //
        .toEqual({ kind: "refused", reason: "not_authentic" });
    expect(await openerOf([keyOf("present", 9)]).open(place, bytes)).toEqual({ kind: "refused", reason: "not_authentic" });
  });

  it("G11: opens as nothing else with any one bit of it changed", async () => {
    const bytes = await sealerOf([present], random).seal(place, 7n, plain);
    const opener = openerOf([present]);
    const whole = await opener.open(place, bytes);
    let opened = 0;
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const found = await opener.open(place, changed);
      if (found.kind !== "opened") continue;
      expect(found, `bit ${bit}`).toEqual(whole);
      opened += 1;
    }
    // A field's wire type is not authenticated and says nothing: the decoder reads by the schema.
    expect(opened).toBeLessThan(16);
  });

  it("is refused without an error whatever the bytes are, and a newer version is told apart", async () => {
    const opener = openerOf([present]);
    const anything = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect((await opener.open(place, bytes)).kind).not.toBe("opened");
    });
    await fc.assert(anything, { numRuns: 300 });
    const newer = toBinary(SealedValueSchema, create(SealedValueSchema, { version: 2, keyId: "present" }));
    expect(await opener.open(place, newer)).toEqual({ kind: "newer_version", version: 2 });
  });

  it("has another nonce each time", async () => {
    const sealer = sealerOf([present], random);
    const nonces = new Set<string>();
    for (let count = 0; count < 500; count++)
      nonces.add(fromBinary(SealedValueSchema, await sealer.seal(place, 1n, plain)).nonce.join());
    expect(nonces.size).toBe(500);
  });

  it("is not made without a key, for a place that is no token, or with a negative version", async () => {
    expect(() => sealerOf([], random)).toThrow(/no key/);
    const sealer = sealerOf([present], random);
    await expect(sealer.seal({ ...place, key: "a\n1" }, 1n, plain)).rejects.toThrow(/nothing is sealed/);
    await expect(sealer.seal(place, -1n, plain)).rejects.toThrow(/version/);
  });
});

describe("keys in a configuration", () => {
  it("are read in their order, spaces and a line's end at their edges allowed", () => {
    expect(parseSealingKeys(text(old))).toEqual([old]);
    expect(parseSealingKeys(` ${text(present)} , ${text(old)}\n`)).toEqual([present, old]);
  });

  it("are refused when odd, short, doubled or too many", () => {
    const many = Array.from({ length: 9 }, (_, index) => text(keyOf(`k${index}`, index))).join();
    const bad = [
      "",
      "old",
      text(old).slice(4),
      `:${text(old).slice(4)}`,
      `o ld:${text(old).slice(4)}`,
      `${text(old)},`,
      `${text(old)},${text(old)}`,
      `${text(old)};${text(present)}`,
      "old:AAAA",
      `old:${"A".repeat(44)}`,
      `old:${Buffer.alloc(31).toString("base64")}`,
      `old:${Buffer.alloc(33).toString("base64")}`,
      `${"x".repeat(33)}${text(old).slice(3)}`,
      many,
    ];
    for (const each of bad) expect(parseSealingKeys(each), each).toBeUndefined();
  });

  it("have names that tell a replaced key under the same id, and not the key", () => {
    const [name] = openerOf([old]).keys;
    expect(name).toMatch(/^old:[0-9a-f]{16}$/);
    expect(openerOf([keyOf("old", 9)]).keys).not.toEqual([name]);
  });
});
