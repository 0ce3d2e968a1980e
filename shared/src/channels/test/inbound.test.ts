import { readFileSync } from "node:fs";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import type { AccountId, TenantId } from "../../ids.ts";
import type { InboundAccount, Normalised } from "../contract.ts";
import { testInbound } from "./inbound.ts";

const account: InboundAccount = {
  tenantId: "00000000-0000-4000-8000-000000000001" as TenantId,
  accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
  channelType: "test",
  externalId: "W1",
  settings: { bot_id: "W1" },
};

function request(body: string | Uint8Array<ArrayBuffer>, headers: [string, string][] = []) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { method: "POST", url: "http://edge/webhooks/test", headers: new Headers(headers), body: bytes };
}

function normalise(...events: object[]): Normalised {
  return testInbound.normalise(request(JSON.stringify({ workspace: "W1", events })), account);
}

const hello = { conversation: "general", id: "m1", user: "ann", text: "hello", at_ms: 1_700_092_800_000, kind: "message" };

const vectorSchema = v.object({
  id: v.string(),
  scheme: v.string(),
  secret: v.string(),
  headers: v.array(v.tuple([v.string(), v.string()])),
  body: v.string(),
  valid: v.boolean(),
  now: v.number(),
});
const file = new URL("fixtures/signature-vectors.json", import.meta.url);
const vectors = v.parse(v.array(vectorSchema), JSON.parse(readFileSync(file, "utf8")));
const good = vectors.find((vector) => vector.valid);
if (!good) throw new Error("there is no valid vector");
const goodSignature = good.headers.find(([name]) => name === "X-Signature")?.[1] ?? "";
const goodTime = 1_700_000_000;

/** The published vectors are of the generic scheme, which differs in the header's name only. */
const renamed = (headers: [string, string][]): [string, string][] =>
  headers.map(([name, value]) => [name === "X-Signature" ? "X-Test-Signature" : name, value]);

describe("signature", () => {
  it.each(vectors)("G11: $id is judged as the vector says", async ({ scheme, secret, headers, body, now, valid }) => {
    const verified = await testInbound.verify(request(body, renamed(headers)), [{ scheme, value: secret }], now * 1000);
    expect(verified.kind).toBe(valid ? "verified" : "refused");
  });

  const secret = { scheme: good.scheme, value: good.secret };
  const cases: [string, string, (string | undefined)[], { scheme: string; value: string }[], number][] = [
    ["verified", "300 s late", [goodSignature], [secret], goodTime + 300],
    ["verified", "300 s early", [goodSignature], [secret], goodTime - 300],
    ["verified", "the old secret while the new one is live", [goodSignature], [{ ...secret, value: "new" }, secret], goodTime],
    ["refused", "301 s early", [goodSignature], [secret], goodTime - 301],
    ["refused", "no header", [], [secret], goodTime],
    ["refused", "the header twice", [goodSignature, goodSignature], [secret], goodTime],
    ["refused", "upper-case hex", [goodSignature.toUpperCase().replace("T=", "t=").replace("V1=", "v1=")], [secret], goodTime],
    ["refused", "a truncated signature", [goodSignature.slice(0, -1)], [secret], goodTime],
    ["refused", "no secret", [goodSignature], [], goodTime],
    ["refused", "an empty secret", [goodSignature], [{ ...secret, value: "" }], goodTime],
    ["refused", "another scheme", [goodSignature], [{ ...secret, scheme: "slack-v0" }], goodTime],
  ];
  it.each(cases)("G11: %s: %s", async (kind, _, headers, secrets, now) => {
    const given = headers.map((value): [string, string] => ["X-Test-Signature", value ?? ""]);
    expect((await testInbound.verify(request(good.body, given), secrets, now * 1000)).kind).toBe(kind);
  });

  it("G11: refuses a body that was changed by one byte", async () => {
    const changed = request(`${good.body} `, [["X-Test-Signature", goodSignature]]);
    expect((await testInbound.verify(changed, [secret], goodTime * 1000)).kind).toBe("refused");
  });
});

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
    expect(testInbound.normalise(request(JSON.stringify(body)), account).kind).toBe("malformed");
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
          testInbound.claimedWorkspace(given);
          return ["ignored", "malformed"].includes(testInbound.normalise(given, account).kind);
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
