// What this door owes beyond the suite that every door runs (conformance.test.ts).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AccountId, TenantId } from "../../ids.ts";
import type { InboundAccount } from "../contract/account.ts";
import type { Normalised } from "../contract/inbound.ts";
import { testInbound } from "./inbound.ts";

const account: InboundAccount = {
  tenantId: "00000000-0000-4000-8000-000000000001" as TenantId,
  accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
  channelType: "test",
  externalId: "W1",
  settings: { bot_id: "W1" },
};

function request(body: string | Uint8Array<ArrayBuffer>) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { method: "POST", url: "http://edge/webhooks/test", headers: new Headers(), body: bytes };
}

function normalise(...events: object[]): Normalised {
  return testInbound.read(request(JSON.stringify({ workspace: "W1", events }))).normalise(account);
}

const hello = { conversation: "general", id: "m1", user: "ann", text: "hello", at_ms: 1_700_092_800_000, kind: "message" };

describe("normalise", () => {
  it("gives the events of several conversations in their order", () => {
    const normalised = normalise(hello, { ...hello, conversation: "ops", id: "m2", thread: "m1", reply_to: "m1" });
    if (normalised.kind !== "messages") throw new Error(normalised.reason);
    const [first, second] = normalised.events;
    expect(first).toMatchObject({
      eventDay: "2023-11-16",
      message: { sourceMessageId: "m1", conversationExternalId: "general", text: "hello" },
    });
    expect(second?.message).toMatchObject({ conversationExternalId: "ops", threadRootMessageId: first?.message.id });
    expect(second?.message.relation).toMatchObject({ targetMessageId: first?.message.id, targetExternalId: "m1" });
    expect(first?.message.conversationId).not.toBe(second?.message.conversationId);
  });

  it("names every edit and the delete apart", () => {
    const at = { at_ms: hello.at_ms + 1 };
    const normalised = normalise(
      hello,
      { ...hello, ...at, kind: "edit" },
      { ...hello, ...at, kind: "edit", version: 1 },
      { ...hello, kind: "delete" },
    );
    const ids = normalised.kind === "messages" ? normalised.events.map((event) => event.message.sourceMessageId) : [];
    expect(ids).toEqual(["m1", "m1:edit:1700092800001:0", "m1:edit:1700092800001:1", "m1:delete"]);
  });

  it("leaves out bots, itself and kinds that it does not know", () => {
    const left = [
      { ...hello, bot: true },
      { ...hello, user: "W1" },
      { ...hello, kind: "hologram" },
    ];
    expect(normalise(...left)).toEqual({ kind: "ignored", reason: "nothing_of_interest" });
    const kept = normalise(...left, hello);
    expect(kept.kind === "messages" && kept.events.length).toBe(1);
  });

  it("takes any conversation name as it is", () => {
    const normalised = normalise(
      ...["it's", "a.b", "a b", "a%20b", "*"].map((conversation, index) => ({ ...hello, conversation, id: `m${index}` })),
    );
    const names = normalised.kind === "messages" ? normalised.events.map((event) => event.message.conversationExternalId) : [];
    expect(names).toEqual(["it's", "a.b", "a b", "a%20b", "*"]);
  });

  const wrong: [string, unknown][] = [
    ["null", null],
    ["no workspace", { events: [hello] }],
    ["no events", { workspace: "W1" }],
    ["an id with a separator", { workspace: "W1", events: [{ ...hello, id: "m1:delete" }] }],
    ["no time", { workspace: "W1", events: [{ ...hello, at_ms: undefined }] }],
    ["a time beyond year 9999", { workspace: "W1", events: [{ ...hello, at_ms: 1e15 }] }],
    ["101 events", { workspace: "W1", events: Array.from({ length: 101 }, () => hello) }],
  ];
  it.each(wrong)("G11: %s is malformed, and no exception", (_, body) => {
    expect(testInbound.read(request(JSON.stringify(body))).normalise(account).kind).toBe("malformed");
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.jsonValue().map((value) => new TextEncoder().encode(JSON.stringify(value))),
        ),
        (bytes) => {
          const given = request(new Uint8Array(bytes));
          testInbound.read(given).workspace();
          return ["ignored", "malformed"].includes(testInbound.read(given).normalise(account).kind);
        },
      ),
    );
  });
});

describe("answers", () => {
  it("G1: says 503 when nothing could be stored, else 200", () => {
    const statuses = (["accepted", "ignored", "malformed", "unavailable"] as const).map(
      (outcome) => testInbound.answer(outcome).status,
    );
    expect(statuses).toEqual([200, 200, 200, 503]);
  });
});
