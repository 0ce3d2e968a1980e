// The form of an entry in the bucket of positions.
import { describe, expect, it } from "vitest";
import { decodeEntry, type Entry, encodeEntry } from "./entries.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("an entry of the bucket", () => {
  it("says what was written, the stream's epoch under its old name", () => {
    const entry: Entry = { owner: "a", epoch: 3, position: 41, finished: [43, 44], streamEpochMs: 1_000 };
    const written = encodeEntry(entry);
    expect(new TextDecoder().decode(written)).toBe('{"owner":"a","epoch":3,"generation":1000,"position":41,"finished":[43,44]}');
    expect(decodeEntry(written)).toEqual(entry);
  });

  it("of before streams were told apart says nothing of one", () => {
    expect(decodeEntry(bytes('{"owner":"a","epoch":3,"position":41,"finished":[]}'))?.streamEpochMs).toBe(undefined);
  });

  it("is nobody's when a person has emptied it", () => {
    expect(decodeEntry(new Uint8Array())).toEqual({ owner: "", epoch: 0, position: 0, finished: [] });
  });

  it.each(["not json", "null", "{}", '{"owner":5}', '{"owner":"a","epoch":"3","position":41,"finished":[]}', "[]"])(
    "is unreadable as %s",
    (text) => {
      expect(decodeEntry(bytes(text))).toBe(undefined);
    },
  );
});
