// Both doors against the simulator, which shares nothing with them: a misreading would have to be made twice.
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { accountId, doorsClock, startSimulated } from "@mio/proving/kit/channels/simulated.ts";
import { afterEach, describe, expect, it } from "vitest";
import { messageIdOf } from "../../ids.ts";
import type { WebhookRequest } from "../contract/inbound.ts";
import { telegramInbound } from "./inbound.ts";
import { telegramOutbound } from "./outbound.ts";
import { telegramSimulator } from "./simulator/simulator.ts";

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

async function start(state?: string, clock = doorsClock()) {
  const simulated = await startSimulated(
    { inbound: telegramInbound, outbound: telegramOutbound, simulator: telegramSimulator },
    { state, clock, webhookUrl: "http://edge/webhooks/telegram/x" },
  );
  const { account, control, normalised, simulator } = simulated;
  closes.push(simulated.close);
  const eventsOf = (request: WebhookRequest) => {
    const events = normalised(request);
    if (events.kind !== "messages") throw new Error(events.reason);
    return events.events.map((event) => event.message);
  };
  const call = async (method: string, body: object) => {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    return (await simulator.fetch(new Request(`http://platform/bot${account.credential}/${method}`, init))).json();
  };
  const seen = async (conversation = "ops") =>
    (await control("GET", `conversations/${encodeURIComponent(conversation)}`)).messages;
  return { ...simulated, call, eventsOf, seen };
}

const hello = { conversation: "ops", user: "ann", text: "hello", wait: true };

describe("in", () => {
  it("verifies and understands what the simulator sends", async () => {
    const { app, clock, control, eventsOf, webhooks } = await start();
    await control("POST", "messages", hello);
    await control("POST", "messages", { ...hello, text: "re", reply_to: "1", thread: "1" });
    await control("PUT", "messages/1", { conversation: "ops", text: "hello!", wait: true });
    await control("POST", "messages", { ...hello, text: "see", file: { name: "a.txt", mime: "text/plain", text: "abc" } });
    await control("POST", "reactions", { conversation: "ops", id: "1", user: "bob", reaction: "👍", wait: true });
    await control("POST", "reactions", { conversation: "ops", id: "1", user: "bob", reaction: "👍", removed: true, wait: true });
    await control("POST", "messages", { ...hello, conversation: "@ann" });
    for (const webhook of webhooks) {
      expect(await telegramInbound.verify(webhook, app.account.secrets, clock.nowMs())).toEqual({ kind: "verified" });
    }
    const [posted, reply, edited, file, added, removed, direct] = webhooks.flatMap(eventsOf);
    const target = { targetMessageId: posted?.id, targetExternalId: posted?.sourceMessageId };
    expect(posted).toMatchObject({
      text: "hello",
      attributes: { conversation_display_name: "ops" },
      sender: { displayName: "ann" },
    });
    // The opener of a topic is not answered by everything in it.
    expect(reply).toMatchObject({ text: "re", threadRootMessageId: posted?.id, attributes: { telegram_message_thread_id: "1" } });
    expect(edited).toMatchObject({ text: "hello!", relation: { kind: MessageRelation_Kind.EDIT, ...target } });
    expect(file).toMatchObject({ text: "see", attachments: [{ filename: "a.txt", mime: "text/plain", bytes: 3n }] });
    expect(file?.attachments[0]?.url).toMatch(/^telegram-file:\S+$/);
    expect(file?.attachments[0]?.url).not.toContain(app.account.credential);
    expect(added).toMatchObject({
      relation: { kind: MessageRelation_Kind.REACTION, reactionEmoji: "👍", removed: false, ...target },
    });
    expect(removed).toMatchObject({
      relation: { kind: MessageRelation_Kind.REACTION, reactionEmoji: "👍", removed: true, ...target },
    });
    expect(direct).toMatchObject({ conversationKind: 1, conversationExternalId: direct?.sender?.externalId });
    expect(new Set(webhooks.flatMap(eventsOf).map((event) => event.id)).size).toBe(7);
  });

  it("understands a pressed button", async () => {
    const { app, control, eventsOf, webhooks, call } = await start();
    const { conversation } = await control("POST", "messages", hello);
    const reply_markup = { inline_keyboard: [[{ text: "Yes", callback_data: "yes" }]] };
    const { result } = await call("sendMessage", { chat_id: conversation, text: "Sure?", reply_markup });
    const press = { conversation: "ops", id: String(result.message_id), user: "ann", data: "yes", wait: true };
    expect(await control("POST", "buttons", press)).toMatchObject({ delivery: { status: 200 } });
    const event = webhooks.flatMap(eventsOf).at(-1);
    expect(event).toMatchObject({ interaction: { key: "yes" }, relation: { targetExternalId: `${conversation}:2` } });
    expect(event?.sender?.externalId).not.toBe(app.account.externalId);
    expect(await call("answerCallbackQuery", { callback_query_id: event?.interaction?.replyHandle })).toMatchObject({ ok: true });
  });

  it("G3: a repeated webhook has the same ids", async () => {
    const { control, eventsOf, webhooks } = await start();
    await control("POST", "messages", hello);
    await control("POST", "redeliver", { conversation: "ops", id: "1", wait: true });
    expect(webhooks).toHaveLength(2);
    expect(webhooks[1]?.body).toEqual(webhooks[0]?.body);
    expect(webhooks.flatMap(eventsOf).map((event) => event.id)).toEqual(
      Array(2).fill(messageIdOf(accountId, webhooks.flatMap(eventsOf)[0]?.sourceMessageId as never)),
    );
  });

  it("is told again after the time that its 503 asks for, and its chat waits for it", async () => {
    const { answers, clock, control, eventsOf, webhooks } = await start();
    const unavailable = telegramInbound.answer("unavailable");
    for (let count = 0; count < 3; count += 1) answers.push(new Response(unavailable.body, unavailable));
    await control("POST", "messages", hello);
    await control("POST", "messages", { ...hello, text: "next", wait: false });
    await clock.advance(5999);
    expect(webhooks).toHaveLength(3);
    await clock.advance(1);
    expect(webhooks.flatMap(eventsOf).map((event) => event.text)).toEqual(["hello", "hello", "hello", "hello", "next"]);
  });

  it("is tried with doubling waits, and given up a day after it happened", async () => {
    const first = await start();
    const failing = () => Array.from({ length: 50 }, () => new Response(null, { status: 500 }));
    first.answers.push(...failing());
    await first.control("POST", "messages", hello);
    await first.clock.advance(63_000);
    expect(first.webhooks).toHaveLength(7);
    await first.clock.advance(120_000 * 5);
    expect(first.webhooks.length).toBeGreaterThanOrEqual(7 + 5);
    await closes.pop()?.();

    const dayLater = await start(first.saved.at(-1) ?? "", doorsClock(first.clock.nowMs() + 24 * 60 * 60 * 1000));
    dayLater.answers.push(...failing());
    await dayLater.clock.advance(60 * 60 * 1000);
    expect(dayLater.webhooks).toHaveLength(1);
  });
});

describe("out", () => {
  it("sends, replies in the topic and edits, and never hears of itself", async () => {
    const { control, deliver, eventsOf, seen, webhooks } = await start();
    await control("POST", "messages", { ...hello, text: "Night shift" });
    await control("POST", "messages", { ...hello, thread: "1" });
    const [, question] = webhooks.flatMap(eventsOf);
    const chat = question?.conversationExternalId ?? "";
    const relation = { kind: MessageRelation_Kind.REPLY, targetExternalId: question?.sourceMessageId ?? "" };
    const [answer = ""] = await deliver({ conversationExternalId: chat, text: "thinking…", relation });
    await deliver({ conversationExternalId: chat, text: "done" }, answer);
    await deliver({ conversationExternalId: chat, text: "done" }, answer);
    expect(await seen()).toMatchObject([
      {},
      {},
      { id: answer, text: "done", bot: true, thread: "1", reply_to: "2", edits: [{ text: "thinking…" }] },
    ]);
    expect(webhooks).toHaveLength(2);
    await control("POST", "reactions", { conversation: "ops", id: answer, user: "ann", reaction: "👍", wait: true });
    const ours = messageIdOf(accountId, telegramOutbound.sourceMessageIdOf(chat, answer));
    expect(webhooks.flatMap(eventsOf).at(-1)?.relation?.targetMessageId).toBe(ours);
  });

  it("answers a question that was deleted meanwhile", async () => {
    const { control, deliver, eventsOf, seen, webhooks } = await start();
    await control("POST", "messages", hello);
    const [question] = webhooks.flatMap(eventsOf);
    await control("DELETE", "messages/1", { conversation: "ops" });
    const relation = { kind: MessageRelation_Kind.REPLY, targetExternalId: question?.sourceMessageId ?? "" };
    await deliver({ conversationExternalId: question?.conversationExternalId ?? "", text: "still here?", relation });
    expect(await seen()).toMatchObject([{ text: "still here?", reply_to: "" }]);
  });

  it("splits a long text so that all of it is seen, in order", async () => {
    const { control, deliver, seen } = await start();
    const { conversation } = await control("POST", "messages", hello);
    const text = Array.from({ length: 2000 }, (_, index) => `word${index}`).join(" ");
    const delivered = await deliver({ conversationExternalId: conversation, text });
    expect(delivered.length).toBeGreaterThan(1);
    const parts: string[] = (await seen()).slice(1).map((message: { text: string }) => message.text);
    expect(parts.join(" ")).toBe(text);
  });

  const faults: [object, object][] = [
    [
      { kind: "rate_limited", count: 1, ms: 14_000 },
      { kind: "rate_limited", retryAfterMs: 14_000 },
    ],
    [{ kind: "unavailable", count: 1 }, { kind: "unavailable" }],
  ];
  it.each(faults)("gives the fault %j its name, and nothing was sent", async (fault, expected) => {
    const { control, deliver, seen } = await start();
    const { conversation } = await control("POST", "messages", hello);
    await control("POST", "faults", fault);
    await expect(deliver({ conversationExternalId: conversation, text: "x" })).rejects.toMatchObject(expected);
    expect(await seen()).toHaveLength(1);
  });

  it("G6: leaves a send whose answer is lost unknown, and an edit's safe to repeat", async () => {
    const { clock, control, deliver, seen } = await start();
    const { conversation } = await control("POST", "messages", hello);
    await control("POST", "faults", { kind: "answer_lost", count: 2 });
    const lost = async (...args: Parameters<typeof deliver>) => {
      const outcome = deliver(...args).catch((error: unknown) => error);
      await clock.advance(120_000);
      return outcome;
    };
    expect(await lost({ conversationExternalId: conversation, text: "thinking…" })).toMatchObject({ kind: "unknown" });
    expect(await lost({ conversationExternalId: conversation, text: "done" }, "2")).toMatchObject({ kind: "unavailable" });
    expect(await deliver({ conversationExternalId: conversation, text: "done" }, "2")).toEqual(["2"]);
    expect((await seen())[1]).toMatchObject({ text: "done", edits: [{ text: "thinking…" }] });
  });

  it("G8: is refused past the chat's pace with a wait that suffices", async () => {
    const { clock, control, deliver } = await start();
    const { conversation } = await control("POST", "messages", hello);
    for (let count = 0; count < 20; count += 1) await deliver({ conversationExternalId: conversation, text: `${count}` });
    await expect(deliver({ conversationExternalId: conversation, text: "x" })).rejects.toMatchObject({
      kind: "rate_limited",
      retryAfterMs: 1000,
    });
    await clock.advance(1000);
    await deliver({ conversationExternalId: conversation, text: "x" });
  });

  it("says what the platform refuses for good", async () => {
    const { control, deliver } = await start();
    const { conversation } = await control("POST", "messages", hello);
    await expect(deliver({ conversationExternalId: "-1001", text: "x" })).rejects.toMatchObject({
      kind: "rejected",
      code: "chat_not_found",
    });
    await expect(deliver({ conversationExternalId: conversation, text: "x" }, "1")).rejects.toMatchObject({
      kind: "rejected",
      code: "edit_forbidden",
    });
    await expect(deliver({ conversationExternalId: conversation, text: "x" }, "9")).rejects.toMatchObject({
      kind: "rejected",
      code: "edit_target_not_found",
    });
  });
});

describe("the simulator's memory", () => {
  it("keeps what people saw, what is owed and every sequence over a restart", async () => {
    const first = await start();
    first.answers.push(new Response(null, { status: 500 }));
    await first.control("POST", "messages", hello);
    await closes.pop()?.();
    const second = await start(first.saved.at(-1) ?? "", first.clock);
    expect(second.app).toEqual(first.app);
    await first.clock.advance(1000);
    expect(second.webhooks[0]?.body).toEqual(first.webhooks[0]?.body);
    expect((await second.control("POST", "messages", hello)).id).toBe("2");
    expect(await second.seen()).toHaveLength(2);
  });
});
