import { type TestHost, testHost } from "@mio/proving/kit/channels/simulator-host.ts";
import { afterEach, describe, expect, it } from "vitest";
import type { AccountId, TenantId } from "../../../ids.ts";
import type { WebhookRequest } from "../../contract/inbound.ts";
import type { InstalledApp, Simulator } from "../../contract/simulator.ts";
import { zohoCliqInbound } from "../inbound.ts";
import { zohoCliqSimulator } from "./simulator.ts";

const open: Simulator[] = [];
afterEach(async () => {
  for (const simulator of open.splice(0)) await simulator.close();
});

async function start(test: TestHost = testHost(), rate?: { per_second: number; burst: number }) {
  const simulator = await zohoCliqSimulator.create(test.host);
  open.push(simulator);
  const control = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    return (await simulator.fetch(new Request(`http://simulator/_control/${path}`, init))).json();
  };
  const app: InstalledApp = await control("POST", "apps", {
    name: "Mio",
    webhook_url: "http://edge/hook",
    ...(rate && { rate }),
  });
  const authorization = `Zoho-oauthtoken ${app.account.credential}`;
  const api = async (method: string, path: string, body?: unknown, headers: Record<string, string> = { authorization }) => {
    const text = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
    const response = await simulator.fetch(new Request(`http://simulator${path}`, { method, headers, ...text }));
    const answer = await response.text();
    return { status: response.status, headers: response.headers, body: answer.startsWith("{") ? JSON.parse(answer) : answer };
  };
  const post = async (text: string, over: object = {}) =>
    control("POST", "messages", { conversation: "general", user: "ann", text, wait: true, ...over });
  return { ...test, simulator, control, app, api, post, state: () => test.saved.at(-1) };
}

/** What the edge would make of what the simulator sent. */
async function taken({ received, app }: Pick<Awaited<ReturnType<typeof start>>, "received" | "app">) {
  const account = {
    tenantId: "11111111-1111-4111-8111-111111111111" as TenantId,
    accountId: "22222222-2222-4222-8222-222222222222" as AccountId,
    channelType: "zoho_cliq",
    ...app.account,
  };
  const all = [];
  for (const { headers, body } of received) {
    const request: WebhookRequest = {
      method: "POST",
      url: "http://edge/hook",
      headers: new Headers(headers),
      body: new TextEncoder().encode(body),
    };
    expect(await zohoCliqInbound.verify(request, app.account.secrets, 0)).toEqual({ kind: "verified" });
    expect(zohoCliqInbound.read(request).workspace() ?? app.account.externalId).toBe(app.account.externalId);
    const normalised = zohoCliqInbound.read(request).normalise(account);
    all.push(normalised.kind === "messages" ? (normalised.events[0]?.message ?? expect.fail("no event")) : normalised.reason);
  }
  return all;
}

describe("webhooks, as the inbound door reads them", () => {
  it("tell of a message, its edit, its delete, a reply and a file", async () => {
    const test = await start();
    const first = await test.post("hello", { user: "ann" });
    expect(first.delivery).toEqual({ status: 200, duration_ms: 0 });
    await test.control("PUT", `messages/${first.id}`, { conversation: "general", text: "hello!", wait: true });
    await test.post("indeed", { user: "bob", reply_to: first.id });
    await test.post("look", { file: { name: "a.png", mime: "image/png", text: "png" } });
    await test.control("DELETE", `messages/${first.id}`, { conversation: "general", wait: true });
    const [posted, edited, replied, filed, deleted] = await taken(test);
    const chat = first.conversation;
    expect(posted).toMatchObject({
      text: "hello",
      sourceMessageId: `${chat}:${first.id}`,
      sender: { displayName: "ann" },
      attributes: {
        cliq_channel_name: "general",
        cliq_org_id: test.app.account.externalId,
        conversation_display_name: "#general",
      },
    });
    const target = { targetMessageId: typeof posted === "object" ? posted.id : "" };
    expect(edited).toMatchObject({ text: "hello!", relation: target });
    expect(replied).toMatchObject({ text: "indeed", relation: target, attributes: { replied_to: first.id } });
    expect(filed).toMatchObject({ text: "look", attachments: [{ filename: "a.png", mime: "image/png" }] });
    expect(deleted).toMatchObject({ text: "", relation: target });
  });

  it("come from the message handler in a chat with the bot, and only for a person's new messages", async () => {
    const test = await start();
    const sent = await test.post("hi", { conversation: "dm:ann" });
    await test.control("PUT", `messages/${sent.id}`, { conversation: "dm:ann", text: "changed", wait: true });
    await test.api("POST", "/api/v2/bots/mio/message", {
      text: "answer",
      userids: JSON.parse(test.received[0]?.body ?? "{}").user.id,
    });
    expect(await taken(test)).toMatchObject([{ text: "hi", conversationKind: 1 }]);
  });

  it("give two posts of one moment two ids", async () => {
    const test = await start();
    for (const conversation of ["general", "dm:ann"])
      for (const text of ["same", "same"]) await test.post(text, { conversation });
    const ids = (await taken(test)).map((each) => (typeof each === "object" ? each.sourceMessageId : each));
    expect(new Set(ids).size).toBe(4);
  });

  it("echo the bot's own posts, which the door knows for its own", async () => {
    const test = await start();
    await test.post("hello");
    const chat = (await test.control("GET", "conversations/general")).conversation;
    await test.api("POST", `/api/v3/chats/${chat}/messages`, { text: "as user" });
    await test.api("POST", "/api/v2/channelsbyname/general/message?bot_unique_name=mio", { text: "as bot" });
    await test.clock.advance(0);
    expect((await taken(test)).slice(1)).toEqual(["own_message", "own_message"]);
  });

  it("are the same bytes when the caller asks for them again", async () => {
    const test = await start();
    test.answers.push(503);
    const sent = await test.post("hello");
    expect(sent.delivery).toMatchObject({ status: 503 });
    const again = await test.control("POST", "redeliver", { conversation: "general", id: sent.id, wait: true });
    expect(again.delivery).toMatchObject({ status: 200 });
    expect(test.received[1]).toMatchObject({ body: test.received[0]?.body, headers: test.received[0]?.headers });
  });

  it("are not tried again by themselves", async () => {
    const test = await start();
    test.answers.push(500);
    await test.post("hello");
    await test.clock.advance(3_600_000);
    expect(test.received).toHaveLength(1);
  });
});

describe("API", () => {
  const inGeneral = async (over?: { per_second: number; burst: number }) => {
    const test = await start(testHost(), over);
    const { conversation, id } = await test.post("hello");
    return {
      ...test,
      chat: `/api/v2/chats/${conversation}`,
      sendPath: `/api/v3/chats/${conversation}/messages`,
      id,
      conversation,
    };
  };

  it("answers 204 without sync_message and the id with it, in the webhook's spelling", async () => {
    const { api, sendPath } = await inGeneral();
    expect(await api("POST", sendPath, { text: "a" })).toMatchObject({ status: 204, body: "" });
    const sync = await api("POST", sendPath, { text: "b", sync_message: true });
    expect(sync.body.message_id).toMatch(/^\d{13}%20\d+$/);
  });

  it("takes a message's id in every spelling, encoded once", async () => {
    const { api, sendPath, chat } = await inGeneral();
    const { message_id: id } = (await api("POST", sendPath, { text: "a", sync_message: true })).body;
    const decoded = decodeURIComponent(id);
    for (const spelling of [decoded, decoded.replace(" ", "_")]) {
      expect((await api("PUT", `${chat}/messages/${encodeURIComponent(spelling)}`, { text: spelling })).status).toBe(204);
    }
    expect((await api("DELETE", `${chat}/messages/${id}`)).status).toBe(204);
    expect((await api("PUT", `${chat}/messages/${id}`, { text: "gone" })).body.code).toBe("message_not_found");
  });

  it("refuses as Cliq refuses", async () => {
    const { api, sendPath, chat, id } = await inGeneral();
    for (const [method, path, body, status, code] of [
      ["POST", sendPath, { text: "a", chatid: "x" }, 400, "extra_key_found"],
      ["POST", sendPath, { text: "a", __proto__x: 1 }, 400, "extra_key_found"],
      ["POST", sendPath, {}, 400, "param_missing"],
      ["POST", sendPath, { text: "" }, 400, "param_missing"],
      ["POST", sendPath, { text: 17 }, 400, "invalid.inputs.submitted"],
      ["POST", sendPath, { text: "a", sync_message: "true" }, 400, "invalid.inputs.submitted"],
      ["POST", sendPath, "{", 400, "invalid.inputs.submitted"],
      ["POST", sendPath, [], 400, "invalid.inputs.submitted"],
      ["POST", sendPath, { text: "x".repeat(5_001) }, 400, "invalid_parameters"],
      ["POST", sendPath, { text: "a", reply_to: "1_1" }, 404, "message_not_found"],
      ["POST", "/api/v3/chats/CT_404/messages", { text: "a" }, 404, "chat_not_found"],
      ["POST", "/api/v2/channelsbyname/nowhere/message", { text: "a" }, 404, "request_url_invalid"],
      ["POST", "/api/v2/channelsbyname/general/message?bot_unique_name=other", { text: "a" }, 403, "bot_message_forbidden"],
      ["POST", "/api/v2/bots/mio/message", { text: "a", chatid: "x" }, 400, "extra_key_found"],
      ["POST", "/api/v2/bots/mio/message", { text: "a", userids: "404" }, 400, "botmessage_no_valid_users"],
      ["PUT", `${chat}/messages/${id}`, { text: "not mine" }, 403, "bot_unauthorized_message_access"],
      ["PATCH", `${chat}/messages/${id}`, { text: "a" }, 400, "request_method_invalid"],
      ["POST", `${chat}/nothing`, { text: "a" }, 404, "request_url_invalid"],
      ["GET", `${chat}/messages?limit=101`, undefined, 400, "invalid_parameters"],
    ] as const) {
      expect(await api(method, path, body), `${method} ${path} ${JSON.stringify(body)}`).toMatchObject({
        status,
        body: { code },
      });
    }
    const unauthorized = {
      status: 401,
      body: { code: "oauthtoken_invalid", message: "Request was rejected because of invalid AuthToken." },
    };
    expect(await api("POST", sendPath, { text: "a" }, {})).toMatchObject(unauthorized);
    expect(await api("POST", sendPath, { text: "a" }, { authorization: "Zoho-oauthtoken wrong" })).toMatchObject(unauthorized);
  });

  it("keeps apps apart", async () => {
    const { api, sendPath, control } = await inGeneral();
    const other = await control("POST", "apps", { name: "Other", webhook_url: "" });
    const foreign = await api("POST", sendPath, { text: "a" }, { authorization: `Bearer ${other.account.credential}` });
    expect(foreign).toMatchObject({ status: 403, body: { code: "chat_access_denied" } });
  });

  it("locks a user for ten minutes at the 51st message of a minute, over all of its tokens", async () => {
    const { api, sendPath, clock } = await inGeneral();
    for (let sent = 0; sent < 50; sent += 1) expect((await api("POST", sendPath, { text: "a" })).status).toBe(204);
    const refused = await api("POST", sendPath, { text: "a" });
    expect(refused).toMatchObject({ status: 429, body: { message: "Too many requests within a certain time frame." } });
    expect(refused.headers.has("retry-after")).toBe(false);
    await clock.advance(599_000);
    expect((await api("POST", sendPath, { text: "a" })).status).toBe(429);
    await clock.advance(1_000);
    expect((await api("POST", sendPath, { text: "a" })).status).toBe(204);
  });

  it("does not lock at a rate that was chosen at the installation", async () => {
    const { api, sendPath, clock } = await inGeneral({ per_second: 2, burst: 2 });
    expect(
      [await api("POST", sendPath, { text: "a" }), await api("POST", sendPath, { text: "a" })].map((each) => each.status),
    ).toEqual([204, 204]);
    const refused = await api("POST", sendPath, { text: "a" });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    await clock.advance(500);
    expect((await api("POST", sendPath, { text: "a" })).status).toBe(204);
  });

  it("starts a thread as a chat of its own and answers in it", async () => {
    const { api, control, id, conversation } = await inGeneral();
    const started = await api("POST", "/api/v3/channelsbyname/general/messages", { text: "in a thread", thread_message_id: id });
    expect(started.body.message_id).toMatch(/%20/);
    const thread = `${conversation}-T-${id.split("_")[1]}`;
    expect((await api("POST", `/api/v3/chats/${thread}/messages`, { text: "more" })).status).toBe(204);
    expect((await control("GET", `conversations/${thread}`)).messages).toMatchObject([{ text: "in a thread" }, { text: "more" }]);
  });

  it("locks threads at the 21st post of a minute, and nothing else", async () => {
    const { api, id, sendPath } = await inGeneral();
    const start = () => api("POST", "/api/v3/channelsbyname/general/messages", { text: "in a thread", thread_message_id: id });
    for (let sent = 0; sent < 20; sent += 1) expect((await start()).status).toBe(200);
    expect((await start()).status).toBe(429);
    expect((await api("POST", sendPath, { text: "beside it" })).status).toBe(204);
  });

  it("pages history by time, ids joined by an underscore", async () => {
    const { api, post, chat, clock } = await inGeneral();
    for (const text of ["b", "c"]) {
      await clock.advance(10);
      await post(text);
    }
    const all = (await api("GET", `${chat}/messages`)).body.data;
    expect(all.map((each: { content: { text: string } }) => each.content.text)).toEqual(["hello", "b", "c"]);
    expect(all[0].id).toMatch(/^\d{13}_\d+$/);
    const forward = (await api("GET", `${chat}/messages?limit=1&fromtime=${all[0].time + 1}`)).body.data;
    const backward = (await api("GET", `${chat}/messages?limit=1&totime=${all[2].time - 1}`)).body.data;
    expect([forward[0].id, backward[0].id]).toEqual([all[1].id, all[1].id]);
  });

  it("serves a file to a token, until its URL has expired", async () => {
    const { api, received, post, clock } = await inGeneral();
    await post("", { file: { name: "a.txt", mime: "text/plain", text: "inside" } });
    const { pathname } = new URL(JSON.parse(received[1]?.body ?? "{}").data.message.file.url);
    expect(await api("GET", pathname)).toMatchObject({ status: 200, body: "inside" });
    expect((await api("GET", pathname, undefined, {})).status).toBe(401);
    await clock.advance(3_600_001);
    expect(await api("GET", pathname)).toMatchObject({ status: 400, body: { code: "attachment_access_time_expired" } });
  });

  it("issues tokens for an hour, and says what is wrong with HTTP 200", async () => {
    const { api, app, sendPath, clock } = await inGeneral();
    const form = {
      grant_type: "refresh_token",
      client_id: app.appId,
      client_secret: app.account.secrets[0]?.value ?? "",
      refresh_token: app.account.credential,
    };
    const token = async (over: object) =>
      api("POST", "/oauth/v2/token", new URLSearchParams({ ...form, ...over }).toString(), {});
    const issued = await token({});
    expect(issued.body).toMatchObject({ token_type: "Bearer", expires_in: 3600 });
    const authorization = `Zoho-oauthtoken ${issued.body.access_token}`;
    expect((await api("POST", sendPath, { text: "a" }, { authorization })).status).toBe(204);
    await clock.advance(3_600_000);
    expect((await api("POST", sendPath, { text: "a" }, { authorization })).status).toBe(401);
    expect(await token({ refresh_token: "bad" })).toMatchObject({ status: 200, body: { error: "invalid_code" } });
    expect(await token({ client_id: "bad" })).toMatchObject({ status: 200, body: { error: "invalid_client" } });
    expect(await token({ grant_type: "magic" })).toMatchObject({ status: 200, body: { error: "unsupported_grant_type" } });
    for (let call = 0; call < 10; call += 1) await token({});
    expect(await token({})).toMatchObject({ status: 400, body: { error: "Access Denied" } });
  });

  it("remembers apps, tokens of installations and messages over a restart, on another port", async () => {
    const first = await inGeneral();
    await first.simulator.close();
    const again = testHost(first.state());
    const test = await start({ ...again, host: { ...again.host, baseUrl: "http://elsewhere" } });
    expect(test.app).toEqual({
      ...first.app,
      account: { ...first.app.account, settings: { ...first.app.account.settings, api_base_url: "http://elsewhere" } },
    });
    expect((await test.api("POST", first.sendPath, { text: "back" })).status).toBe(204);
    const texts = (await test.control("GET", "conversations/general")).messages.map((message: { text: string }) => message.text);
    expect(texts).toEqual(["hello", "back"]);
  });
});
