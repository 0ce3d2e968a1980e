// Both doors against the simulator, which shares nothing with them: a misreading would have to be made twice.
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { accountId, doorsClock, startSimulated } from "@mio/proving/kit/channels/simulated.ts";
import { afterEach, describe, expect, it } from "vitest";
import { messageIdOf } from "../../ids.ts";
import type { WebhookRequest } from "../contract/inbound.ts";
import { slackInbound } from "./inbound.ts";
import { slackOutbound } from "./outbound.ts";
import { slackSimulator } from "./simulator/simulator.ts";

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

async function start(state?: string, clock = doorsClock()) {
  const simulated = await startSimulated(
    { inbound: slackInbound, outbound: slackOutbound, simulator: slackSimulator },
    { state, clock },
  );
  const { app, control, normalised, webhooks } = simulated;
  closes.push(simulated.close);
  const eventsOf = (request: WebhookRequest) => {
    const events = normalised(request);
    return events.kind === "messages" ? events.events : [];
  };
  const post = (text: string, more: object = {}): Promise<{ id: string; conversation: string }> =>
    control("POST", "messages", { conversation: "ops", user: "ann", text, wait: true, ...more });
  const texts = async (): Promise<string[]> =>
    (await control("GET", "conversations/ops")).messages.map((each: { text: string }) => each.text);
  /** What came since the last call. */
  const received = async (): Promise<WebhookRequest[]> => {
    await clock.advance(0);
    return webhooks.splice(0);
  };
  const verify = (request: WebhookRequest) => slackInbound.verify(request, app.account.secrets, clock.nowMs());
  return { ...simulated, post, texts, received, eventsOf, verify };
}

describe("what the simulator sends, the inbound door understands", () => {
  it("the handshake when the app is installed", async () => {
    const { received, verify, app } = await start();
    const [verification] = await received();
    if (!verification) throw new Error("no handshake came");
    expect(await verify(verification)).toEqual({ kind: "verified" });
    const answer = slackInbound.read(verification).signedHandshake?.();
    expect(JSON.parse(answer?.body ?? "")).toEqual({
      challenge: JSON.parse(new TextDecoder().decode(verification.body)).challenge,
    });
    expect(app.account.secrets[0]?.scheme).toBe("slack-v0");
  });

  it("a message, a reply, a file, an edit, reactions and a delete, each signed", async () => {
    const { control, post, received, eventsOf, verify, app } = await start();
    await received();
    const { id, conversation } = await post("hello & <b> 👋");
    await post("in the thread", { reply_to: id });
    await post("", { file: { name: "a.png", mime: "image/png", text: "bytes" } });
    await control("PUT", `messages/${id}`, { conversation: "ops", text: "edited", wait: true });
    await control("PUT", `messages/${id}`, { conversation: "ops", text: "edited again", wait: true });
    await control("POST", "reactions", { conversation: "ops", id, user: "bob", reaction: "tada", wait: true });
    await control("POST", "reactions", { conversation: "ops", id, user: "bob", reaction: "tada", removed: true, wait: true });
    await control("DELETE", `messages/${id}`, { conversation: "ops", wait: true });
    const requests = await received();
    for (const request of requests) {
      expect(await verify(request)).toEqual({ kind: "verified" });
      expect(slackInbound.read(request).workspace()).toBe(app.account.externalId);
    }
    const messages = requests.flatMap(eventsOf).map((event) => event.message);
    const target = messageIdOf(accountId, slackOutbound.sourceMessageIdOf(conversation, id));
    expect(messages.map((each) => [each.text, each.relation?.kind, each.relation?.targetMessageId])).toEqual([
      ["hello & <b> 👋", undefined, undefined],
      ["in the thread", MessageRelation_Kind.REPLY, target],
      ["", undefined, undefined],
      ["edited", MessageRelation_Kind.EDIT, target],
      ["edited again", MessageRelation_Kind.EDIT, target],
      ["", MessageRelation_Kind.REACTION, target],
      ["", MessageRelation_Kind.REACTION, target],
      ["", MessageRelation_Kind.DELETE, target],
    ]);
    expect(messages[0]?.id).toBe(target);
    expect(messages[2]?.attachments).toMatchObject([{ filename: "a.png", bytes: 5n }]);
    expect(messages.map((each) => each.relation?.removed ?? false).indexOf(true)).toBe(6);
    expect(new Set(messages.map((each) => each.sourceMessageId)).size).toBe(messages.length);
    expect(new Set(messages.map((each) => each.conversationId)).size).toBe(1);
  });

  it("G3: a retry, a redelivery and the app_mention twin, as one event with one day", async () => {
    const { control, post, received, eventsOf, verify, answers, clock, app } = await start(
      undefined,
      doorsClock(1_700_006_399_000),
    );
    await received();
    answers.push(
      new Response("", { status: 500 }),
      new Response(),
      new Response("", { status: 503 }),
      new Response("", { status: 500 }),
    );
    const { id } = await post(`midnight <@${app.account.settings.bot_user_id}>`);
    await clock.advance(70_000);
    await control("POST", "redeliver", { conversation: "ops", id, wait: true });
    const requests = await received();
    expect(requests.length).toBeGreaterThanOrEqual(5);
    for (const request of requests) {
      const signedAt = Number(request.headers.get("x-slack-request-timestamp")) * 1_000;
      expect(Math.abs(clock.nowMs() - signedAt)).toBeLessThan(300_000);
      expect(await verify(request)).toEqual({ kind: "verified" });
    }
    const events = requests.flatMap(eventsOf);
    expect(new Set(events.map((each) => `${each.message.id} ${each.eventDay}`)).size).toBe(1);
    expect(events[0]?.eventDay).toBe("2023-11-14");
    const retries = requests.map((each) => each.headers.get("x-slack-retry-num")).filter((each) => each !== null);
    expect(retries).toEqual(expect.arrayContaining(["1", "2"]));
    expect(requests.map((each) => each.headers.get("x-slack-retry-reason"))).toContain("http_error");
  });

  it("stops retrying when it is told to", async () => {
    const { post, received, answers, clock } = await start();
    await received();
    answers.push(new Response("", { status: 500, headers: { "x-slack-no-retry": "1" } }));
    await post("once");
    await clock.advance(3_600_000);
    expect(await received()).toHaveLength(1);
  });

  it("ids with quotes, dots, spaces and %20 in what people call things", async () => {
    const { control, received, eventsOf } = await start();
    await received();
    const name = "a 'b'.\"c\"%20 ü/?#";
    const { id, conversation } = await control("POST", "messages", { conversation: name, user: name, text: name, wait: true });
    const [event] = (await received()).flatMap(eventsOf);
    expect(event?.message).toMatchObject({ text: name, conversationExternalId: conversation });
    expect((await control("GET", `conversations/${encodeURIComponent(name)}`)).messages).toMatchObject([
      { id, text: name, author: name },
    ]);
  });
});

describe("what the outbound door sends, the simulator accepts", () => {
  it("a message, an edit and a long text, and its own echoes go no further", async () => {
    const { post, deliver, received, eventsOf, texts } = await start();
    const { conversation } = await post("question");
    await received();
    const [ts] = await deliver({ id: "01A", conversationExternalId: conversation, text: "thinking…" });
    await deliver({ id: "01B", conversationExternalId: conversation, text: "answer", editOfMessageId: "01A" }, ts, "k2");
    const long = await deliver({ id: "01C", conversationExternalId: conversation, text: "word ".repeat(2_000) }, undefined, "k3");
    expect(long).toHaveLength(3);
    expect((await texts()).slice(0, 2)).toEqual(["question", "answer"]);
    const echoes = await received();
    expect(echoes).toHaveLength(5);
    expect(echoes.flatMap(eventsOf)).toEqual([]);
  });

  it("an answer into the thread when the question was in one, else into the channel", async () => {
    const { post, deliver, received, eventsOf, control } = await start();
    const root = await post("root");
    await post("question in the thread", { thread: root.id });
    const [first, second] = (await received()).flatMap(eventsOf).map((event) => event.message);
    if (!first || !second) throw new Error("no events");
    const answer = (message: typeof first, text: string) =>
      deliver(
        {
          conversationExternalId: message.conversationExternalId,
          threadRootMessageId: message.threadRootMessageId,
          text,
          attributes: { ...message.attributes },
          relation: { kind: MessageRelation_Kind.REPLY, targetMessageId: message.id, targetExternalId: message.sourceMessageId },
        },
        undefined,
        text,
      );
    await answer(first, "to the channel");
    await answer(second, "to the thread");
    const { messages } = await control("GET", "conversations/ops");
    expect(messages.slice(2)).toMatchObject([
      { text: "to the channel", thread: "" },
      { text: "to the thread", thread: root.id },
    ]);
  });

  it("G6: the same idempotency key once, also after the platform restarted", async () => {
    const first = await start();
    const { conversation } = await first.post("question");
    const send = { id: "01A", conversationExternalId: conversation, text: "answer" };
    const [ts] = await first.deliver(send);
    expect(await first.deliver(send)).toEqual([ts]);
    await first.simulator.close();
    const second = await start(first.saved.at(-1));
    expect(await second.deliver(send)).toEqual([ts]);
    expect(await second.texts()).toEqual(["question", "answer"]);
    expect(await second.deliver(send, undefined, "another key")).not.toEqual([ts]);
  });

  it("reactions to our own message name it as its receipt does", async () => {
    const { post, deliver, control, received, eventsOf } = await start();
    const { conversation } = await post("question");
    const [ts = ""] = await deliver({ conversationExternalId: conversation, text: "answer" });
    await received();
    await control("POST", "reactions", { conversation: "ops", id: ts, user: "ann", reaction: "tada", wait: true });
    const [event] = (await received()).flatMap(eventsOf);
    expect(event?.message.relation?.targetMessageId).toBe(
      messageIdOf(accountId, slackOutbound.sourceMessageIdOf(conversation, ts)),
    );
  });
});

describe("what goes wrong, as the sender hears it", () => {
  it("refusals, 429, 503 and somebody else's message", async () => {
    const { post, deliver, control } = await start();
    const { id, conversation } = await post("question");
    const send = { conversationExternalId: conversation, text: "answer" };
    const failure = (call: Promise<unknown>) =>
      call.then(
        () => "sent",
        (error) => ({ kind: error.kind, code: error.code, retryAfterMs: error.retryAfterMs }),
      );
    expect(await failure(deliver({ ...send, conversationExternalId: "C0NOWHERE0" }))).toMatchObject({
      kind: "rejected",
      code: "channel_not_found",
    });
    expect(await failure(deliver(send, id))).toMatchObject({ kind: "rejected", code: "cant_update_message" });
    await control("POST", "faults", { kind: "rate_limited", count: 1, ms: 7_000 });
    expect(await failure(deliver(send))).toEqual({ kind: "rate_limited", code: "ratelimited", retryAfterMs: 7_000 });
    await control("POST", "faults", { kind: "unavailable", count: 1 });
    expect(await failure(deliver(send))).toMatchObject({ kind: "unavailable", code: "service_unavailable" });
    expect(await failure(deliver(send))).toBe("sent");
  });
});
