import fc from "fast-check";
import { describe, expect, it } from "vitest";
import partitionVectors from "./fixtures/partition-vectors.json" with { type: "json" };
import {
  type AccountId,
  accountIdOf,
  commandIdOf,
  conversationIdOf,
  isUuid,
  type MessageId,
  messageIdOf,
  partitionOf,
  type SourceMessageId,
  type TenantId,
  ulidOf,
  uuidV5,
} from "./ids.ts";

const account = "22222222-2222-4222-8222-222222222222";
const accountId = account as AccountId;
const dnsNamespace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const urlNamespace = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";

describe("uuid v5", () => {
  it("is the one of RFC 9562 and of other implementations", () => {
    expect(uuidV5(dnsNamespace, "www.example.com")).toBe("2ed6657d-e927-568b-95e1-2665a8aea6a2");
    expect(uuidV5(dnsNamespace, "python.org")).toBe("886313e1-3b8a-5372-9b90-0c9aee199e5d");
    expect(uuidV5(urlNamespace, "grüße 👋")).toBe("51714944-4aaa-53e8-82cd-fa75aa6e686b");
  });

  it("refuses a namespace that is no lower-case UUID", () => {
    for (const namespace of [
      "",
      "x",
      dnsNamespace.toUpperCase(),
      ` ${dnsNamespace}`,
      `${dnsNamespace}\n`,
      dnsNamespace.replaceAll("-", ""),
    ]) {
      expect(() => uuidV5(namespace, "x")).toThrow(/namespace/);
    }
  });

  it("is always a lower-case UUID of version 5, whatever the name", () => {
    const version5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(uuidV5(account, name)).toMatch(version5);
      }),
    );
  });
});

describe("computed ids", () => {
  it("never change", () => {
    expect(messageIdOf(accountId, "C1:17" as SourceMessageId)).toBe("31cf9102-9bcf-5ef4-b917-bc665e56759e");
    expect(conversationIdOf(accountId, "C1")).toBe("ae73afad-4c2a-59d8-8596-1fc187eb01c4");
    expect(accountIdOf(account as TenantId, "slack", "T1")).toBe("87f4e62f-e091-5c84-9144-7ae88d0f7882");
  });

  it("differ between kinds and between accounts", () => {
    const other = "33333333-3333-4333-8333-333333333333" as AccountId;
    const ids = [conversationIdOf(accountId, "x"), messageIdOf(accountId, "x" as SourceMessageId), conversationIdOf(other, "x")];
    expect(new Set(ids).size).toBe(3);
  });

  it("G6: give a message that is handled again the same command ids, and each command of a handling its own", () => {
    const message = "31cf9102-9bcf-5ef4-b917-bc665e56759e" as MessageId;
    expect(commandIdOf("agents", message, 1_700_000_000_000, 0)).toBe("01HF7YAT00HC2ABGG358MFPFV4");
    expect(commandIdOf("agents", message, 1_700_000_000_000, 1)).toBe("01HF7YAT003HJVATEF3KY8AYK3");
    const ids = ["agents", "other"].flatMap((group) =>
      [0, 1].map((index) => commandIdOf(group, message, 1_700_000_000_000, index)),
    );
    expect(new Set(ids).size).toBe(4);
  });
});

describe("ulid", () => {
  it("is the one of the specification", () => {
    expect(ulidOf(1_469_922_850_259, Uint8Array.of(214, 118, 76, 97, 239, 185, 147, 2, 189, 91))).toBe(
      "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    );
    expect(ulidOf(0, new Uint8Array(10))).toBe("0".repeat(26));
    expect(ulidOf(2 ** 48 - 1, new Uint8Array(10).fill(255))).toBe(`7${"Z".repeat(25)}`);
  });

  it("sorts by time", () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(time, time, bytes, bytes, (a, b, bytesA, bytesB) => {
        fc.pre(a !== b);
        expect(ulidOf(a, bytesA) < ulidOf(b, bytesB)).toBe(a < b);
        expect(ulidOf(a, bytesA)).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
      }),
    );
  });

  it("needs ten bytes", () => {
    for (const length of [0, 9, 11]) expect(() => ulidOf(0, new Uint8Array(length))).toThrow(/10 bytes/);
  });
});

it("tells ids from other texts", () => {
  expect(isUuid(account)).toBe(true);
  for (const text of [
    "",
    account.slice(1),
    account.replace("2", "g"),
    "2222222A-2222-4222-8222-222222222222",
    `${account}\n`,
    `{${account}}`,
  ]) {
    expect(isUuid(text), JSON.stringify(text)).toBe(false);
  }
});

describe("partition", () => {
  it("is FNV-1a of the text modulo the count, as in every SDK's vectors", () => {
    for (const { text, hash, partitions } of partitionVectors.vectors) {
      // 2^32 partitions show the hash itself.
      expect(partitionOf(text, 2 ** 32), text).toBe(hash);
      for (const [count, partition] of Object.entries(partitions)) expect(partitionOf(text, Number(count))).toBe(partition);
    }
    expect(partitionVectors.vectors.find((each) => each.text === "foobar")?.hash).toBe(0xbf9cf968);
  });

  it("spreads conversations evenly", () => {
    const counts = new Array<number>(16).fill(0);
    for (let index = 0; index < 16_000; index += 1) {
      const partition = partitionOf(conversationIdOf(accountId, String(index)), 16);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1_150);
  });

  it("refuses a count that is none", () => {
    for (const count of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => partitionOf("x", count)).toThrow(/partition count/);
  });
});
