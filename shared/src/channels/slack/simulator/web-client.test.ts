// Slack's own client, unmodified, against the simulator over real HTTP: what it accepts, Slack could have said.
import { serveFetch } from "@mio/local/servers/serve-fetch.ts";
import { serveSimulator } from "@mio/proving/kit/channels/served-simulator.ts";
import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import {
  type ChatPostMessageResponse,
  type ConversationsHistoryResponse,
  ErrorCode,
  LogLevel,
  WebClient,
  type WebClientOptions,
} from "@slack/web-api";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Clock } from "../../../clock.ts";
import { clockOf } from "../../../clock.ts";
import { seededRandom } from "../../../random.ts";
import type { InstalledApp } from "../../contract/simulator.ts";
import { slackSimulator } from "./simulator.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(rate?: { per_second: number; burst: number }, clock?: Clock) {
  const served = await serveSimulator(slackSimulator, clock);
  stops.push(() => served[Symbol.asyncDispose]());
  const { baseUrl, control } = served;
  const app: InstalledApp = await control("POST", "apps", { name: "gate", webhook_url: "", ...(rate ? { rate } : {}) });
  const said: { id: string; conversation: string } = await control("POST", "messages", {
    conversation: "ops",
    user: "ann",
    text: "hi",
  });
  const seen = async () => (await control("GET", "conversations/ops")).messages;
  const client = (options: WebClientOptions = {}, token = app.account.credential) =>
    new WebClient(token, {
      logLevel: LogLevel.ERROR,
      slackApiUrl: `${app.account.settings.api_base_url}/`,
      retryConfig: { retries: 0 },
      ...options,
    });
  return { baseUrl, control, app, said, seen, client };
}

/** Slack's word for why it refused. */
async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "accepted",
    (error: { code: string; data?: { error: string } }) =>
      error.code === ErrorCode.PlatformError ? (error.data?.error ?? "") : error.code,
  );
}

describe("@slack/web-api", () => {
  it("sends, replies, edits, deletes and reads back", async () => {
    const { client, said, seen } = await start();
    const web = client();
    const channel = said.conversation;
    const posted = await web.chat.postMessage({ channel, text: "thinking… 👋 & <b>" });
    expect(posted).toMatchObject({ ok: true, channel, message: { text: "thinking… 👋 & <b>" } });
    const ts = posted.ts ?? "";
    await web.chat.postMessage({ channel, text: "in the thread", thread_ts: said.id });
    await web.chat.update({ channel, ts, text: "the answer" });
    expect(await seen()).toMatchObject([
      { text: "hi", author: "ann", bot: false },
      { text: "the answer", bot: true, thread: "", edits: [{ text: "thinking… 👋 & <b>" }] },
      { text: "in the thread", bot: true, thread: said.id },
    ]);
    const history = await web.conversations.history({ channel });
    expect(history.messages?.map((each) => each.text)).toEqual(["the answer", "hi"]);
    expect(history.messages?.[1]).toMatchObject({ reply_count: 1, thread_ts: said.id });
    const replies = await web.conversations.replies({ channel, ts: said.id });
    expect(replies.messages?.map((each) => each.text)).toEqual(["hi", "in the thread"]);
    await web.chat.delete({ channel, ts });
    expect(await seen()).toHaveLength(2);
  });

  it("learns who it is, opens a direct conversation and finds people and places", async () => {
    const { client, app, said, control } = await start();
    const web = client();
    expect(await web.apiCall("api.test", { foo: "bar" })).toMatchObject({ ok: true, args: { foo: "bar" } });
    expect(await web.auth.test()).toMatchObject({ team_id: app.account.externalId, user_id: app.account.settings.bot_user_id });
    const first = (await web.conversations.history({ channel: said.conversation })).messages?.[0];
    const user = first?.user ?? "";
    expect((await web.users.info({ user })).user?.name).toBe("ann");
    const direct = (await web.conversations.open({ users: user })).channel?.id ?? "";
    expect(direct).toMatch(/^D/);
    await web.chat.postMessage({ channel: direct, text: "psst" });
    expect((await control("GET", `conversations/${encodeURIComponent("@ann")}`)).messages).toMatchObject([{ text: "psst" }]);
    expect((await web.conversations.info({ channel: direct })).channel?.is_im).toBe(true);
    expect((await web.conversations.info({ channel: said.conversation })).channel?.name).toBe("ops");
  });

  it("pages through history, with metadata when it asks for it", async () => {
    const { client, said } = await start();
    const web = client();
    const channel = said.conversation;
    const metadata = { event_type: "mio_command", event_payload: { command_id: "01ABC" } };
    for (const text of ["1", "2", "3", "4"]) await web.chat.postMessage({ channel, text, metadata });
    const texts: string[] = [];
    for await (const page of web.paginate("conversations.history", { channel, limit: 2, include_all_metadata: true })) {
      const { messages = [] }: ConversationsHistoryResponse = page;
      texts.push(...messages.map((each) => each.text ?? ""));
      if (messages[0]?.text === "4") expect(messages[0].metadata).toEqual(metadata);
    }
    expect(texts).toEqual(["4", "3", "2", "1", "hi"]);
    const plain = await web.conversations.history({ channel, limit: 1 });
    expect(plain.messages?.[0]).not.toHaveProperty("metadata");
    const after = await web.conversations.history({ channel, oldest: said.id });
    expect(after.messages).toHaveLength(4);
    expect((await web.conversations.history({ channel, oldest: said.id, inclusive: true })).messages).toHaveLength(5);
  });

  it("gives the first message for a client_msg_id that it has seen", async () => {
    const { client, said, seen } = await start();
    const send = { channel: said.conversation, text: "once", client_msg_id: "3cd5e1b0-6f0c-4f1e-8e52-4b3a4f9f8b2e" };
    const post = async (): Promise<ChatPostMessageResponse> => client().apiCall("chat.postMessage", send);
    const first = await post();
    const second = await post();
    expect(second.ts).toBe(first.ts);
    expect(await seen()).toHaveLength(2);
    await client().chat.delete({ channel: said.conversation, ts: first.ts ?? "" });
    expect(await refusal(client().apiCall("chat.postMessage", send))).toBe("duplicate_message_not_found");
  });

  it("is told why when it is refused", async () => {
    const { client, said, control } = await start();
    const web = client();
    const channel = said.conversation;
    for (const name of ["outside-club", "archived-old"])
      await control("POST", "messages", { conversation: name, user: "ann", text: "x" });
    const idOf = async (name: string): Promise<string> => (await control("GET", `conversations/${name}`)).conversation;
    const mine = (await web.chat.postMessage({ channel, text: "mine" })).ts ?? "";
    const reply = (await web.chat.postMessage({ channel, text: "reply", thread_ts: mine })).ts ?? "";
    await web.reactions.add({ channel, timestamp: said.id, name: "thumbsup" });
    const refusals: [string, () => Promise<unknown>][] = [
      ["invalid_auth", () => client({}, "xoxb-wrong").auth.test()],
      ["not_authed", () => client({}, "").auth.test()],
      ["unknown_method", () => web.apiCall("chat.whisper")],
      ["channel_not_found", () => web.chat.postMessage({ channel: "C0NOWHERE0", text: "x" })],
      ["channel_not_found", () => web.chat.postMessage({ channel: "a 'b'.\"%20\" ü", text: "x" })],
      ["not_in_channel", async () => web.chat.postMessage({ channel: await idOf("outside-club"), text: "x" })],
      ["is_archived", async () => web.chat.postMessage({ channel: await idOf("archived-old"), text: "x" })],
      ["no_text", () => web.chat.postMessage({ channel, text: "" })],
      ["msg_too_long", () => web.chat.postMessage({ channel, text: "x".repeat(40_001) })],
      ["thread_not_found", () => web.chat.postMessage({ channel, text: "x", thread_ts: "9999999999.000000" })],
      ["cannot_reply_to_message", () => web.chat.postMessage({ channel, text: "x", thread_ts: reply })],
      ["invalid_metadata_format", () => web.apiCall("chat.postMessage", { channel, text: "x", metadata: "{" })],
      ["message_not_found", () => web.chat.update({ channel, ts: "1.000000", text: "x" })],
      ["cant_update_message", () => web.chat.update({ channel, ts: said.id, text: "x" })],
      ["msg_too_long", () => web.chat.update({ channel, ts: mine, text: "x".repeat(4_001) })],
      ["no_text", () => web.chat.update({ channel, ts: mine, text: "" })],
      ["cant_delete_message", () => web.chat.delete({ channel, ts: said.id })],
      ["already_reacted", () => web.reactions.add({ channel, timestamp: said.id, name: "thumbsup" })],
      ["no_reaction", () => web.reactions.remove({ channel, timestamp: said.id, name: "tada" })],
      ["user_not_found", () => web.users.info({ user: "U0NOBODY00" })],
      ["user_not_found", () => web.conversations.open({ users: "U0NOBODY00" })],
      ["invalid_cursor", () => web.conversations.history({ channel, cursor: "!" })],
    ];
    for (const [error, call] of refusals) expect(await refusal(call())).toBe(error);
    const log: { error?: string }[] = await control("GET", "requests");
    expect(log.filter((each) => each.error).map((each) => each.error)).toEqual(
      expect.arrayContaining(refusals.map(([error]) => error)),
    );
  });

  it("waits as a 429 asks it to, and then gets through", async () => {
    const { client, said, control } = await start({ per_second: 1, burst: 1 });
    const patient = client({ retryConfig: { retries: 3, minTimeout: 1, maxTimeout: 10 } });
    const channel = said.conversation;
    await patient.chat.postMessage({ channel, text: "1" });
    await patient.chat.postMessage({ channel, text: "2" });
    const log: { at_ms: number; status: number; error?: string }[] = await control("GET", "requests");
    expect(log.map((each) => each.status)).toEqual([200, 429, 200]);
    expect((log[2]?.at_ms ?? 0) - (log[1]?.at_ms ?? 0)).toBeGreaterThanOrEqual(990);
    const impatient = client({ rejectRateLimitedCalls: true });
    await expect(impatient.chat.postMessage({ channel, text: "3" })).rejects.toMatchObject({
      code: ErrorCode.RateLimitedError,
      retryAfter: 1,
    });
  });

  it("tolerates a short burst where nothing else was asked for", async () => {
    // It stands still, so that a busy machine gives back no budget meanwhile.
    const { client, said } = await start(undefined, manualClock());
    const web = client({ rejectRateLimitedCalls: true });
    const sends = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => web.chat.postMessage({ channel: said.conversation, text: `${index}` })),
    );
    expect(sends.filter((each) => each.status === "fulfilled")).toHaveLength(10);
  });

  it("never hears of a message whose answer was lost", async () => {
    const { client, said, control, seen } = await start();
    await control("POST", "faults", { kind: "answer_lost", count: 1 });
    const web = client({ timeout: 200 });
    expect(await refusal(web.chat.postMessage({ channel: said.conversation, text: "lost" }))).toBe(ErrorCode.RequestError);
    await vi.waitFor(async () => expect(await seen()).toMatchObject([{ text: "hi" }, { text: "lost" }]));
  });

  it("downloads a file only with its token", async () => {
    const { baseUrl, control, app, client } = await start();
    const file = { name: "notes ü.txt", mime: "text/plain", text: "grüße" };
    const { conversation } = await control("POST", "messages", { conversation: "ops", user: "ann", text: "", file });
    const [message] = (await client().conversations.history({ channel: conversation })).messages ?? [];
    const url = message?.files?.[0]?.url_private_download ?? "";
    expect(url.startsWith(baseUrl)).toBe(true);
    const download = await fetch(url, { headers: { authorization: `Bearer ${app.account.credential}` } });
    expect(await download.text()).toBe("grüße");
    const stranger = await fetch(url);
    expect([stranger.status, stranger.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  });

  it("gets json_not_object, invalid_json and missing_post_type for bodies that are neither", async () => {
    const { baseUrl } = await start();
    const call = async (contentType: string, body: string) => {
      const headers = contentType === "" ? {} : { "content-type": contentType };
      const response = await fetch(`${baseUrl}/api/chat.postMessage`, {
        method: "POST",
        headers,
        body: new TextEncoder().encode(body),
      });
      return (await response.json()).error;
    };
    expect(await call("application/json", "[]")).toBe("json_not_object");
    expect(await call("application/json", "{")).toBe("invalid_json");
    expect(await call("", "x")).toBe("missing_post_type");
    expect(await call("text/plain", "x")).toBe("invalid_post_type");
    expect(await call("application/json", "")).toBe("not_authed");
    const deep = `{"text":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
    expect(await call("application/json", deep)).toMatch(/invalid_json|not_authed/);
  });
});

it("OAuth: Slack's own client exchanges a code once, for its client, its address and ten minutes", async () => {
  const nowMs = { later: 0 };
  const simulator = await slackSimulator.create({
    baseUrl: "http://slack.test",
    clock: { ...clockOf(globalThis), nowMs: () => Date.now() + nowMs.later },
    random: seededRandom(3),
    fetch: (url, init) => fetch(url, init),
    load: async () => undefined,
    save: async () => undefined,
  });
  stops.push(() => simulator.close());
  const send = (path: string, init?: RequestInit) => simulator.fetch(new Request(`http://slack.test${path}`, init));
  const redirect_uri = "https://edge.example.com/oauth/slack/callback?keep=1";
  const registered = { name: "mio", redirect_uri, webhook_url: "" };
  const made = await (await send("/_control/developer_apps", { method: "POST", body: JSON.stringify(registered) })).json();
  const { client_id, client_secret } = made;
  const authorize = (over: Record<string, string> = {}) =>
    `/oauth/v2/authorize?${new URLSearchParams({ client_id, scope: "chat:write", redirect_uri, state: "s & t", ...over })}`;
  const codeOf = async (decision: string) => {
    const sent = await send(authorize(), { method: "POST", body: new URLSearchParams({ decision, workspace: "zylker" }) });
    return new URL(sent.headers.get("location") ?? "").searchParams;
  };
  for (const [over, error] of [
    [{ client_id: "1.2" }, "invalid_client_id"],
    [{ redirect_uri: "https://evil.example" }, "bad_redirect_uri"],
    [{ scope: "" }, "invalid_scope"],
  ] as const) {
    const refused = await send(authorize(over));
    expect([refused.status, refused.headers.get("location"), await refused.text()]).toEqual([
      400,
      null,
      expect.stringContaining(error),
    ]);
  }
  expect(Object.fromEntries(await codeOf("deny"))).toEqual({ keep: "1", error: "access_denied", state: "s & t" });

  // The client speaks HTTP of its own; its bytes go to the simulator as they are.
  const server = await serveFetch(0, async (request) => {
    const { pathname, search } = new URL(request.url);
    return send(`${pathname}${search}`, { method: "POST", headers: request.headers, body: await request.arrayBuffer() });
  });
  stops.push(async () => server[Symbol.asyncDispose]());
  const slackApiUrl = `${server.url}/api/`;
  const client = new WebClient(undefined, { slackApiUrl, retryConfig: { retries: 0 }, logLevel: LogLevel.ERROR });
  const access = (over: Record<string, string>) =>
    client.oauth.v2.access({ client_id, client_secret, redirect_uri, ...over, code: over.code ?? "" }).then(
      (answer) => answer,
      (error: { data: { error: string } }) => error.data.error,
    );
  const code = (await codeOf("allow")).get("code") ?? "";
  expect(await access({ code, client_secret: "wrong" })).toBe("bad_client_secret");
  expect(await access({ code, client_id: "1.2" })).toBe("invalid_client_id");
  expect(await access({ code, redirect_uri: "https://evil.example" })).toBe("bad_redirect_uri");
  expect(await access({ code: "guessed" })).toBe("invalid_code");
  expect(await access({ code })).toMatchObject({ ok: true, token_type: "bot", team: { name: "zylker" } });
  expect(await access({ code })).toBe("code_already_used");
  const late = (await codeOf("allow")).get("code") ?? "";
  nowMs.later = 600_000;
  expect(await access({ code: late })).toBe("invalid_code");
});
