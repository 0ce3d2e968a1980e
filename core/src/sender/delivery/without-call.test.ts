// How a command ends, or goes on, without a call of ours, as a table.
import { describe, expect, it } from "vitest";
import type { Command } from "../schedule/schedule.ts";
import { afterInterruption, endOf } from "./without-call.ts";

const command = (id: string): Command => ({
  id,
  accountId: "account",
  lane: "account/conversation",
  editOf: "",
  dueMs: 0,
  expiresMs: undefined,
  interrupted: false,
});

describe("a command ends without a call", () => {
  it("when it has expired", () => {
    expect(endOf({ kind: "expire", command: command("a") })).toEqual({
      state: "expired",
      errorCode: "expired",
      errorText: "expires_at has passed",
    });
  });

  it("when a later edit takes its place, and says which", () => {
    expect(endOf({ kind: "supersede", command: command("a"), by: command("b") })).toEqual({
      state: "cancelled",
      errorCode: "superseded",
      errorText: "a later edit took its place: b",
    });
  });
});

describe("G6: a call whose owner is gone", () => {
  const reason = { errorCode: "interrupted", errorText: "the sender ended during the call" };
  const row = { id: "a", failures: 2 };

  it("is made again where a repeat appears once, and counts as a failure", () => {
    const verdict = { kind: "retry", afterMs: 700, spent: true, blockMs: 0 } as const;
    const change = { id: "a", attemptId: "theirs", state: "queued", failures: 3, delayMs: 700, ...reason };
    expect(afterInterruption(row, "theirs", verdict)).toEqual(change);
  });

  it("is parked for a person otherwise", () => {
    const verdict = { kind: "unknown", code: "interrupted", text: "the sender ended during the call" } as const;
    const change = { id: "a", attemptId: "theirs", state: "unknown", failures: 2, ...reason };
    expect(afterInterruption(row, "theirs", verdict)).toEqual(change);
  });
});
