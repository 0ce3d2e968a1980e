import type { MessageInitShape } from "@bufbuild/protobuf";
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import type { SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { type SimulatedOptions, startSimulated } from "@mio/proving/kit/channels/simulated.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { afterEach, describe, expect, it } from "vitest";
import type { WebhookRequest } from "../contract/inbound.ts";
import { DeliveryError } from "../contract/outbound.ts";
import { testInbound } from "./inbound.ts";
import { testOutbound } from "./outbound.ts";
import { testSimulator } from "./simulator/simulator.ts";

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

async function start(options: SimulatedOptions = {}) {
  const simulated = await startSimulated({ inbound: testInbound, outbound: testOutbound, simulator: testSimulator }, options);
  const { ask: control, normalised } = simulated;
  closes.push(simulated.close);
  const texts = async (conversation: string): Promise<string[]> => {
    const seen = await control("GET", `conversations/${encodeURIComponent(conversation)}`);
    return seen.body.messages.map((message: { text: string }) => message.text);
  };
  const deliver = (command: MessageInitShape<typeof SendCommandSchema>, key: string, editOf?: string) =>
    simulated.deliver({ conversationExternalId: "general", ...command }, editOf, key);
  const eventsOf = (request: WebhookRequest) => {
    const events = normalised(request);
    if (events.kind !== "messages") throw new Error(events.reason);
    return events.events.map((event) => event.message);
  };
  return { ...simulated, control, deliver, eventsOf, texts };
}

const hello = { conversation: "general", user: "ann", text: "hello", wait: true };

describe("in", () => {
  it("understands and verifies what the simulator sends", async () => {
    const { app, clock, control, eventsOf, webhooks } = await start();
    await control("POST", "messages", hello);
    await control("PUT", "messages/m1", { conversation: "general", text: "hello!", wait: true });
    await control("POST", "messages", {
      ...hello,
      text: "re",
      reply_to: "m1",
      file: { name: "a.txt", mime: "text/plain", text: "abc" },
    });
    await control("DELETE", "messages/m1", { conversation: "general", wait: true });
    for (const webhook of webhooks) {
      expect(testInbound.read(webhook).workspace()).toBe(app.account.externalId);
      expect(await testInbound.verify(webhook, app.account.secrets, clock.nowMs())).toEqual({ kind: "verified" });
    }
    const [posted, edited, reply, deleted] = webhooks.flatMap(eventsOf);
    expect(posted).toMatchObject({ text: "hello", sourceMessageId: "m1" });
    expect(edited).toMatchObject({ text: "hello!", relation: { kind: MessageRelation_Kind.EDIT, targetMessageId: posted?.id } });
    expect(reply).toMatchObject({ relation: { targetMessageId: posted?.id }, attachments: [{ filename: "a.txt", bytes: 3n }] });
    expect(deleted).toMatchObject({ text: "", relation: { kind: MessageRelation_Kind.DELETE, targetMessageId: posted?.id } });
  });

  it("hears of a post to two conversations in one webhook", async () => {
    const { control, eventsOf, texts, webhooks } = await start();
    const pair = { conversations: ["a", "b"], user: "ann", text: "both", wait: true };
    expect((await control("POST", "pairs", pair)).body).toEqual({
      ids: ["m2", "m1"],
      conversations: ["a", "b"],
      delivery: { status: 200, duration_ms: 0 },
    });
    expect(webhooks).toHaveLength(1);
    const events = webhooks.flatMap(eventsOf);
    expect(events.map((event) => [event.conversationExternalId, event.sourceMessageId, event.text])).toEqual([
      ["a", "m2", "both"],
      ["b", "m1", "both"],
    ]);
    expect([await texts("a"), await texts("b")]).toEqual([["both"], ["both"]]);
  });

  it.each([{}, { conversations: ["a"] }, { conversations: ["a", "a"], user: "u", text: "t" }])(
    "refuses the pair %j",
    async (body) => {
      expect((await (await start()).control("POST", "pairs", body)).status).toBe(400);
    },
  );

  it("is told again after a 503, no sooner than it asked, signed anew over the same body", async () => {
    const { answers, app, clock, control, webhooks } = await start();
    answers.push(new Response(null, { status: 503, headers: { "Retry-After": "7" } }));
    expect((await control("POST", "messages", hello)).body.delivery).toMatchObject({ status: 503 });
    await clock.advance(6999);
    expect(webhooks).toHaveLength(1);
    await clock.advance(1);
    // It signs on another thread, which may be slow.
    await eventually("the second attempt has come", () => webhooks.length === 2);
    expect(webhooks[1]?.body).toEqual(webhooks[0]?.body);
    for (const webhook of webhooks)
      expect((await testInbound.verify(webhook, app.account.secrets, webhook.atMs)).kind).toBe("verified");
  });
});

describe("out", () => {
  it("sends, replies and edits, and never hears of itself", async () => {
    const { control, deliver, texts, webhooks } = await start();
    await control("POST", "messages", hello);
    const [answer = ""] = await deliver(
      { text: "thinking…", relation: { kind: MessageRelation_Kind.REPLY, targetExternalId: "m1" } },
      "k1",
    );
    await deliver({ text: "done" }, "k2", answer);
    expect(await texts("general")).toEqual(["hello", "done"]);
    expect((await control("GET", "conversations/general")).body.messages[1]).toMatchObject({
      reply_to: "m1",
      edits: [{ text: "thinking…" }],
    });
    expect(webhooks).toHaveLength(1);
  });

  it("G6: shows a send that is repeated with its key once, also after a restart of the platform", async () => {
    const first = await start();
    await first.control("POST", "messages", hello);
    const sent = await first.deliver({ text: "answer" }, "key");
    expect(await first.deliver({ text: "answer" }, "key")).toEqual(sent);
    await closes.pop()?.();
    const second = await start({ state: first.saved.at(-1) ?? "" });
    expect(await second.deliver({ text: "answer" }, "key")).toEqual(sent);
    expect(await second.texts("general")).toEqual(["hello", "answer"]);
  });

  it("splits what is longer than one message", async () => {
    const { control, deliver, texts } = await start();
    await control("POST", "messages", hello);
    await deliver({ text: "x".repeat(1999) + "🦊".repeat(2) }, "k");
    expect((await texts("general")).slice(1)).toEqual(["x".repeat(1999), "🦊🦊"]);
  });

  const faults: [object, object][] = [
    [
      { kind: "rate_limited", count: 1, ms: 3000 },
      { kind: "rate_limited", retryAfterMs: 3000 },
    ],
    [{ kind: "unavailable", count: 1 }, { kind: "unavailable" }],
  ];
  it.each(faults)("gives the fault %j its name", async (fault, expected) => {
    const { control, deliver, texts } = await start();
    await control("POST", "messages", hello);
    await control("POST", "faults", fault);
    const refusal = await deliver({ text: "x" }, "k").catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DeliveryError);
    expect(refusal).toMatchObject(expected);
    expect(await texts("general")).toEqual(["hello"]);
  });

  it("says so when the platform refuses for good", async () => {
    const { deliver } = await start();
    await expect(deliver({ text: "x", conversationExternalId: "nowhere" }, "k")).rejects.toMatchObject({
      kind: "rejected",
      code: "refused_404",
    });
  });

  it("is slowed down past the conversation's pace", async () => {
    const { control, deliver } = await start({ rate: { per_second: 2, burst: 1 } });
    await control("POST", "messages", hello);
    await deliver({ text: "1" }, "k1");
    await expect(deliver({ text: "2" }, "k2")).rejects.toMatchObject({ kind: "rate_limited", retryAfterMs: 500 });
  });
});
