// The official way to write a bot, unmodified, against the simulator over real HTTP: what grammy accepts, Telegram could have said.
import { createServer, type Server } from "node:http";
import { serveSimulator } from "@mio/proving/kit/channels/served-simulator.ts";
import { Api, Bot, type GrammyError, webhookCallback } from "grammy";
import type { Message, Update } from "grammy/types";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { InstalledApp } from "../../contract/simulator.ts";
import { telegramSimulator } from "./simulator.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function listening(server: Server): Promise<string> {
  stops.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`);
    });
  });
}

async function start(rate?: { per_second: number; burst: number }, webhookUrl = "") {
  const served = await serveSimulator(telegramSimulator);
  stops.push(() => served[Symbol.asyncDispose]());
  const { baseUrl, control } = served;
  const app: InstalledApp = await control("POST", "apps", { name: "gate", webhook_url: webhookUrl, ...(rate ? { rate } : {}) });
  const post = async (text: string, more: object = {}): Promise<{ id: string; conversation: string }> =>
    control("POST", "messages", { conversation: "ops", user: "ann", text, ...more });
  const seen = async (conversation = "ops") =>
    (await control("GET", `conversations/${encodeURIComponent(conversation)}`)).messages;
  return { baseUrl, control, post, seen, app, api: new Api(app.account.credential, { apiRoot: baseUrl }) };
}

type UpdateKind = Exclude<keyof Update, "update_id">;

async function refusalOf(call: Promise<unknown>): Promise<Pick<GrammyError, "error_code" | "description" | "parameters">> {
  return call.then(
    () => {
      throw new Error("the simulator did not refuse");
    },
    (error: unknown) => error as GrammyError,
  );
}

describe("grammy's Api", () => {
  it("sends, replies and edits", async () => {
    const { api, app, post, seen } = await start();
    const question = await post("status?");
    const sent = await api.sendMessage(question.conversation, "thinking…", {
      reply_parameters: { message_id: Number(question.id) },
    });
    expect(sent).toMatchObject({
      from: { id: Number(app.account.externalId), is_bot: true },
      chat: { id: Number(question.conversation), type: "supergroup", title: "ops" },
      reply_to_message: { message_id: Number(question.id), text: "status?", from: { first_name: "ann", is_bot: false } },
      text: "thinking…",
    });
    const edited = await api.editMessageText(question.conversation, sent.message_id, "all well");
    expect(edited).toMatchObject({ message_id: sent.message_id, text: "all well", edit_date: expect.any(Number) });
    expect(await seen()).toMatchObject([
      { text: "status?", bot: false },
      { text: "all well", bot: true, author: "gate", reply_to: question.id, edits: [{ text: "thinking…" }] },
    ]);
  });

  it("answers where the question is: topics are inherited, unknown ones refused", async () => {
    const { api, post } = await start();
    const topic = await post("Night shift");
    const question = await post("anybody?", { thread: topic.id });
    const inherited = await api.sendMessage(question.conversation, "yes", {
      reply_parameters: { message_id: Number(question.id) },
    });
    expect(inherited).toMatchObject({ message_thread_id: Number(topic.id), is_topic_message: true });
    const refusal = await refusalOf(api.sendMessage(question.conversation, "yes", { message_thread_id: 999 }));
    expect(refusal).toMatchObject({ error_code: 400, description: "Bad Request: message thread not found" });
  });

  it("refuses as Telegram refuses", async () => {
    const { api, app, baseUrl, post } = await start();
    const { conversation, id } = await post("hello");
    const sent = await api.sendMessage(conversation, "hi", { reply_parameters: { message_id: Number(id) } });
    const stranger = sent.reply_to_message?.from?.id ?? 0;
    const cases: [Promise<unknown>, number, string][] = [
      [api.sendMessage(conversation, "x".repeat(4097)), 400, "Bad Request: message is too long"],
      [api.sendMessage(conversation, "  \n"), 400, "Bad Request: message text is empty"],
      [api.sendMessage("-1009999999999", "hi"), 400, "Bad Request: chat not found"],
      [api.sendMessage(stranger, "hi"), 403, "Forbidden: bot can't initiate conversation with a user"],
      [api.sendMessage("", "hi"), 400, "Bad Request: chat_id is empty"],
      [
        api.sendMessage(conversation, "hi", { reply_parameters: { message_id: 99 } }),
        400,
        "Bad Request: message to be replied not found",
      ],
      [api.editMessageText(conversation, 99, "x"), 400, "Bad Request: message to edit not found"],
      [api.editMessageText(conversation, Number(id), "x"), 400, "Bad Request: message can't be edited"],
      [api.deleteMessage(conversation, Number(id)), 400, "Bad Request: message can't be deleted"],
      [
        api.setMessageReaction(conversation, sent.message_id, [{ type: "emoji", emoji: "no" as "👍" }]),
        400,
        "Bad Request: REACTION_INVALID",
      ],
      [new Api(`1:${"a".repeat(35)}`, { apiRoot: baseUrl }).getMe(), 401, "Unauthorized"],
      [new Api("nonsense", { apiRoot: baseUrl }).getMe(), 404, "Not Found"],
    ];
    for (const [call, error_code, description] of cases) expect(await refusalOf(call)).toMatchObject({ error_code, description });
    const same = await refusalOf(api.editMessageText(conversation, sent.message_id, "hi"));
    expect(same.description).toMatch(/^Bad Request: message is not modified: specified new message content/);
    expect((await fetch(`${baseUrl}/bot${app.account.credential}/getNonsense`)).status).toBe(404);
  });

  it("sends without the reply when that is allowed and its target is gone", async () => {
    const { api, post } = await start();
    const { conversation } = await post("hello");
    const sent = await api.sendMessage(conversation, "hi", {
      reply_parameters: { message_id: 99, allow_sending_without_reply: true },
    });
    expect(sent.reply_to_message).toBeUndefined();
  });

  it("says 429 with retry_after past a chat's pace, and only for that chat", async () => {
    const { api, post } = await start({ per_second: 0.5, burst: 2 });
    const { conversation } = await post("hello");
    await api.sendMessage(conversation, "1");
    await api.sendMessage(conversation, "2");
    const refusal = await refusalOf(api.sendMessage(conversation, "3"));
    expect(refusal).toMatchObject({
      error_code: 429,
      description: "Too Many Requests: retry after 2",
      parameters: { retry_after: 2 },
    });
    const other = await post("hello", { conversation: "@ann" });
    expect((await api.sendMessage(other.conversation, "hi")).chat).toMatchObject({ type: "private", first_name: "ann" });
  });

  it("takes form and multipart bodies as well, and methods in any case", async () => {
    const { app, baseUrl, post } = await start();
    const { conversation } = await post("hello");
    const url = `${baseUrl}/bot${app.account.credential}/SENDMESSAGE`;
    const form = new FormData();
    form.set("chat_id", conversation);
    form.set("text", "multipart");
    for (const body of [new URLSearchParams({ chat_id: conversation, text: "form" }), form]) {
      const answer = await (await fetch(url, { method: "POST", body })).json();
      expect(answer).toMatchObject({ ok: true, result: { chat: { id: Number(conversation) } } });
    }
    expect((await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{" })).status).toBe(400);
  });

  it("deletes, types, reacts, and gives a file's bytes", async () => {
    const { api, app, baseUrl, control, post, seen } = await start();
    const file = { name: "a.txt", mime: "text/plain", text: "content" };
    const { conversation, id } = await post("see file", { file });
    const sent = await api.sendMessage(conversation, "hi");
    expect(await api.sendChatAction(conversation, "typing")).toBe(true);
    expect(await api.setMessageReaction(conversation, Number(id), [{ type: "emoji", emoji: "👍" }])).toBe(true);
    expect(await api.deleteMessage(conversation, sent.message_id)).toBe(true);
    expect(await seen()).toHaveLength(1);
    const { file_path } = await api.getFile(`BQACAgQAAx_${conversation}_${id}`);
    expect(await (await fetch(`${baseUrl}/file/bot${app.account.credential}/${file_path}`)).text()).toBe("content");
    expect((await control("GET", "requests")).map((each: { method: string }) => each.method)).toContain("sendChatAction");
  });
});

describe("grammy's webhook", () => {
  async function startBot(allowed_updates: UpdateKind[] = ["message", "edited_message", "message_reaction"]) {
    const world = await start();
    const bot = new Bot(world.app.account.credential, { client: { apiRoot: world.baseUrl } });
    const updates: Update[] = [];
    let failures = 0;
    bot.use(async (context, next) => {
      if (failures-- > 0) throw new Error("the bot fails");
      updates.push(context.update);
      await next();
    });
    bot.command("start", (context) => context.reply(`welcome, ${context.from?.first_name}`));
    const handle = webhookCallback(bot, "http", { secretToken: "s3cret" });
    const hook = createServer((request, response) => {
      handle(request, response).catch(() => response.writeHead(500).end());
    });
    const url = await listening(hook);
    await bot.api.setWebhook(`${url}/hook`, { secret_token: "s3cret", allowed_updates });
    return { ...world, bot, updates, failNext: (count: number) => (failures = count) };
  }

  it("accepts the simulator's updates and answers one", async () => {
    const { control, post, seen, updates } = await startBot();
    expect(await post("/start now", { conversation: "@ann", wait: true })).toMatchObject({ delivery: { status: 200 } });
    expect(await seen("@ann")).toMatchObject([{ text: "/start now" }, { text: "welcome, ann", bot: true }]);
    await control("PUT", "messages/1", { conversation: "@ann", text: "/start later", wait: true });
    await control("POST", "reactions", { conversation: "@ann", id: "2", user: "ann", reaction: "👍", wait: true });
    expect(updates).toMatchObject([
      { update_id: 10_000_001, message: { text: "/start now", entities: [{ type: "bot_command", offset: 0, length: 6 }] } },
      { update_id: 10_000_002, edited_message: { text: "/start later", edit_date: expect.any(Number) } },
      { update_id: 10_000_003, message_reaction: { old_reaction: [], new_reaction: [{ type: "emoji", emoji: "👍" }] } },
    ]);
  });

  it("hears of a pressed button and may answer its query", async () => {
    const { api, bot, control, post } = await startBot(["message", "callback_query"]);
    bot.on("callback_query:data", (context) => context.answerCallbackQuery(`you said ${context.callbackQuery.data}`));
    const { conversation } = await post("deploy?", { wait: true });
    const reply_markup = { inline_keyboard: [[{ text: "Yes", callback_data: "yes" }]] };
    const sent = await api.sendMessage(conversation, "Sure?", { reply_markup });
    const press = { conversation: "ops", id: String(sent.message_id), user: "ann", wait: true };
    expect(await control("POST", "buttons", { ...press, data: "yes" })).toMatchObject({ delivery: { status: 200 } });
    expect(await control("POST", "buttons", { ...press, data: "no" })).toEqual({ error: "no such button" });
    const methods = (await control("GET", "requests")).map(
      (each: { method: string; status: number }) => `${each.method} ${each.status}`,
    );
    expect(methods).toContain("answerCallbackQuery 200");
    expect(await refusalOf(api.answerCallbackQuery("1"))).toMatchObject({
      error_code: 400,
      description: expect.stringContaining("query is too old"),
    });
  });

  it("refuses a webhook whose secret has changed", async () => {
    const { api, baseUrl, post, app } = await startBot();
    const info = await api.getWebhookInfo();
    await api.setWebhook(info.url ?? "", { secret_token: "other" });
    expect(await post("hello", { wait: true })).toMatchObject({ delivery: { status: 401 } });
    await api.setWebhook(info.url ?? "");
    expect(await post("hello", { conversation: "@ann", wait: true })).toMatchObject({ delivery: { status: 401 } });
    expect((await fetch(`${baseUrl}/bot${app.account.credential}/setWebhook?url=ftp://x`)).status).toBe(400);
  });

  it("repeats in order what was not accepted, chat by chat", async () => {
    const { failNext, post, updates } = await startBot();
    failNext(1);
    const first = post("one", { wait: true });
    await post("two");
    await post("elsewhere", { conversation: "@bob", wait: true });
    expect(await first).toMatchObject({ delivery: { status: 500 } });
    const textsOf = (chatType: string) =>
      updates
        .map((update) => update.message as Message.TextMessage)
        .filter((each) => each.chat.type === chatType)
        .map((each) => each.text);
    await vi.waitFor(() => expect(textsOf("supergroup")).toEqual(["one", "two"]), { timeout: 10_000 });
    expect(textsOf("private")).toEqual(["elsewhere"]);
  });

  it("does not let a bot poll while it has a webhook", async () => {
    const { bot } = await startBot();
    expect(await refusalOf(bot.api.getUpdates())).toMatchObject({ error_code: 409 });
    expect(await bot.api.deleteWebhook()).toBe(true);
    expect(await bot.api.getUpdates()).toEqual([]);
  });
});
