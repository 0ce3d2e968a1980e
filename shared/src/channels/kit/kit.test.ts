// The small readers that every channel stands on: good values, then every bad one.
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { DeliveryError } from "../contract/outbound.ts";
import { jsonOfAnswer, retryAfterMsOf } from "./answer.ts";
import { jsonOf, jsonOfBytes, textOf } from "./json.ts";
import { once } from "./once.ts";
import { platformId } from "./platform-id.ts";
import { isWithinReplayWindow } from "./replay-window.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("text and JSON out of bytes", () => {
  it("are read as they stand, with or without a byte order mark", () => {
    expect(textOf(bytesOf("grüß 👋"))).toBe("grüß 👋");
    for (const text of ['{"a":[1]}', '\ufeff{"a":[1]}']) expect(jsonOfBytes(bytesOf(text))).toEqual({ a: [1] });
    expect(jsonOf("null")).toBeNull();
  });

  it("are undefined for what is none, and never an exception", () => {
    for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]]) {
      expect(textOf(Uint8Array.from(bytes))).toBeUndefined();
      expect(jsonOfBytes(Uint8Array.from(bytes))).toBeUndefined();
    }
    for (const text of ["", " ", "{", "undefined", "NaN", "{}{}"]) expect(jsonOf(text), text).toBeUndefined();
  });
});

it("a value is made when it is first asked for, and once, also when it is undefined", () => {
  let made = 0;
  const value = once(() => {
    made += 1;
    return undefined;
  });
  expect(made).toBe(0);
  expect([value(), value(), made]).toEqual([undefined, undefined, 1]);
});

describe("a platform's id", () => {
  const id = platformId(8);
  it.each(["a", "12345678", "a b", "a.b'c\"%", "会議-1", "👋"])("may be %j", (text) => {
    expect(v.is(id, text)).toBe(true);
  });
  it.each(["", "123456789", "a\u0000", "a\nb", "\u007f", "\ud800", 1, null, undefined, {}])("G11: is never %j", (text) => {
    expect(v.is(id, text)).toBe(false);
  });
});

it("G11: a signed time is good for 300 seconds either way, and no second more", () => {
  const nowMs = 1_700_000_000_999;
  for (const [seconds, good] of [
    ["1700000000", true],
    ["1699999700", true],
    ["1700000300", true],
    ["1699999699", false],
    ["1700000301", false],
    ["", false],
    ["soon", false],
  ] as const)
    expect(isWithinReplayWindow(seconds, nowMs), seconds).toBe(good);
});

describe("an answer", () => {
  it("asks for a wait in whole seconds, or for none", () => {
    expect(retryAfterMsOf("2")).toBe(2_000);
    for (const header of [null, "", "-1", "1.5", "1e3", "soon", "9999999", "Wed, 21 Oct 2026 07:28:00 GMT"])
      expect(retryAfterMsOf(header), String(header)).toBeUndefined();
  });

  it("is undefined when it is no JSON or breaks off, and says what fetch says", async () => {
    const breaking = (cause: Error) => new Response(new ReadableStream({ start: (controller) => controller.error(cause) }));
    expect(await jsonOfAnswer(Response.json({ a: 1 }))).toEqual({ a: 1 });
    expect(await jsonOfAnswer(new Response("<html>"))).toBeUndefined();
    expect(await jsonOfAnswer(breaking(new TypeError("terminated")))).toBeUndefined();
    const said = new DeliveryError("unknown", "answer_cut", "the answer broke off");
    await expect(jsonOfAnswer(breaking(said))).rejects.toBe(said);
  });
});
