import { createServer, type Server } from "node:http";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AttachmentSchema } from "@mio/proto/gen/mio/v1/attachment_pb.ts";
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { RichContentSchema } from "@mio/proto/gen/mio/v1/rich_content_pb.ts";
import { SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clockOf } from "../../clock.ts";
import { type AccountId, messageIdOf } from "../../ids.ts";
import { seededRandom } from "../../random.ts";
import type { OutboundAccount } from "../contract/account.ts";
import { DeliveryError, type PlannedCall, type SendFetch } from "../contract/outbound.ts";
import type { InstalledApp, Simulator } from "../contract/simulator.ts";
import { deliveryErrorOf, lockPeriodMs } from "./out/errors.ts";
import { zohoCliqOutbound } from "./outbound.ts";
import { zohoCliqSimulator } from "./simulator/simulator.ts";

const accountId = "22222222-2222-4222-8222-222222222222" as AccountId;
const chatId = "CT_1_9";

function plan(command: MessageInitShape<typeof SendCommandSchema>, editTarget?: { externalId: string }) {
  return zohoCliqOutbound.plan(
    create(SendCommandSchema, { conversationExternalId: chatId, text: "hello", ...command }),
    editTarget,
  );
}

function calls(...args: Parameters<typeof plan>): PlannedCall[] {
  const planned = plan(...args);
  return planned.kind === "calls" ? planned.calls : expect.fail(planned.code);
}

const reply = (targetExternalId: string) => ({ relation: { kind: MessageRelation_Kind.REPLY, targetExternalId } });

describe("plan", () => {
  it("quotes what it replies to, however that is spelt, also when it replies to an edit", () => {
    for (const target of [
      "1777804687057%20137",
      "1777804687057_137",
      `${chatId}:1777804687057_137`,
      `${chatId}:1777804687057_137:edit:1777804687059`,
    ]) {
      expect(calls(reply(target))[0]?.payload).toMatchObject({ replyTo: "1777804687057_137" });
    }
  });

  it("sends without a quote when Cliq cannot know the message", () => {
    for (const target of ["", "DM_1777803613350_1", `${chatId}:derived-1`, "x'1"])
      expect(calls(reply(target))[0]?.payload).toMatchObject({ replyTo: "" });
  });

  it("edits with the first part and sends the rest", () => {
    const text = "x".repeat(12_000);
    const planned = calls({ text, editOfMessageId: "m" }, { externalId: "1777804687057%20137" });
    expect(planned.map((call) => call.action)).toEqual(["edit", "send", "send"]);
    expect(planned[0]?.payload).toMatchObject({ messageId: "1777804687057_137" });
    expect(planned.map((call) => call.payload.text).join("")).toBe(text);
  });

  it("survives JSON", () => {
    const planned = calls({ text: "a".repeat(6_000), ...reply("1777804687057_137") });
    expect(JSON.parse(JSON.stringify(planned))).toEqual(planned);
  });

  it("rejects what it can never send, with a code", () => {
    const attachment = create(AttachmentSchema, { url: "https://example.com/a.png" });
    const never: [MessageInitShape<typeof SendCommandSchema>, string][] = [
      [{ text: "" }, "text_empty"],
      [{ text: " \n " }, "text_empty"],
      [{ conversationExternalId: "" }, "conversation_empty"],
      [{ typing: true }, "typing_unsupported"],
      [{ relation: { kind: MessageRelation_Kind.REACTION } }, "relation_unsupported"],
      [{ relation: { kind: MessageRelation_Kind.DELETE } }, "relation_unsupported"],
      [{ editOfMessageId: "m" }, "edit_target_unknown"],
      [{ relation: { kind: MessageRelation_Kind.EDIT } }, "edit_target_unknown"],
      [{ attachments: [attachment] }, "attachments_unsupported"],
      [{ richContent: create(RichContentSchema) }, "rich_content_unsupported"],
    ];
    for (const [command, code] of never) expect(plan(command)).toMatchObject({ kind: "rejected", code });
  });

  it("gives a sent message the id that its echo would have", () => {
    const source = zohoCliqOutbound.sourceMessageIdOf(chatId, "1777804687057%20137");
    expect(source).toBe("CT_1_9:1777804687057_137");
    expect(messageIdOf(accountId, source)).toBe(
      messageIdOf(accountId, zohoCliqOutbound.sourceMessageIdOf(chatId, "1777804687057_137")),
    );
  });
});

describe("refusals", () => {
  it("mean what the contract sheet says", () => {
    for (const [status, code, message, kind] of [
      [429, "", "Too many requests within a certain time frame.", "rate_limited"],
      [400, "", "You have exceeded the URL throttle limits.", "rate_limited"],
      [400, "chat_operation_failed", "", "unavailable"],
      [400, "operation_failed", "", "unavailable"],
      [500, "", "", "unknown"],
      [502, "operation_failed", "", "unknown"],
      [503, "", "", "unknown"],
      [401, "oauthtoken_invalid", "", "rejected"],
      [400, "extra_key_found", "", "rejected"],
      [403, "chat_access_denied", "", "rejected"],
      [404, "message_not_found", "", "rejected"],
      [302, "", "", "rejected"],
    ] as const) {
      const error = deliveryErrorOf({ status, code, message, retryAfterMs: undefined }, "send a message");
      expect(error.kind, `${status} ${code}`).toBe(kind);
      expect(error.retryAfterMs).toBe(kind === "rate_limited" ? lockPeriodMs : undefined);
    }
  });

  it("pass on only a code that is one", () => {
    const error = deliveryErrorOf(
      { status: 400, code: "the text 'my secret' is wrong", message: "my secret", retryAfterMs: undefined },
      "send",
    );
    expect(error.code).toBe("http_400");
    expect(error.message).not.toContain("secret");
  });
});

describe("against the simulated platform over HTTP", () => {
  let simulator: Simulator;
  let server: Server;
  let baseUrl: string;
  let app: InstalledApp;
  let account: OutboundAccount;
  let general: string;

  beforeEach(async () => {
    server = createServer(async (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
      const headers = Object.entries(incoming.headers).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, value] as [string, string]] : [],
      );
      const abort = new AbortController();
      outgoing.on("close", () => abort.abort());
      const response = await simulator.fetch(
        new Request(`${baseUrl}${incoming.url}`, { method: incoming.method ?? "", headers, ...body, signal: abort.signal }),
      );
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(Buffer.from(await response.arrayBuffer()));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    baseUrl = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    simulator = await zohoCliqSimulator.create({
      baseUrl,
      clock: clockOf(globalThis),
      random: seededRandom(1),
      fetch,
      load: async () => undefined,
      save: async () => {},
    });
    app = await control("POST", "apps", { name: "Mio", webhook_url: "" });
    account = {
      accountId,
      externalId: app.account.externalId,
      settings: app.account.settings,
      credential: app.account.credential,
    };
    general = (await control("POST", "messages", { conversation: "general", user: "ann", text: "hello" })).conversation;
  });

  afterEach(async () => {
    await simulator.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the control API says.
  async function control(method: string, path: string, body?: unknown): Promise<any> {
    const response = await fetch(`${baseUrl}/_control/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return response.json();
  }

  const sendFetch: SendFetch = async (url, init) => {
    try {
      return await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(2_000) });
    } catch (cause) {
      throw new DeliveryError("unknown", "no_answer", "no answer", { cause });
    }
  };
  const deliver = (call: PlannedCall | undefined, over: Partial<OutboundAccount> = {}) =>
    zohoCliqOutbound.deliver(call ?? expect.fail("no call"), {
      account: { ...account, ...over },
      fetch: sendFetch,
      idempotencyKey: "k",
    });
  const sendOf = (command: MessageInitShape<typeof SendCommandSchema>) =>
    calls({ conversationExternalId: general, ...command })[0];
  const editOf = (externalId: string, text: string, conversationExternalId = general) =>
    calls({ conversationExternalId, text, editOfMessageId: "m" }, { externalId })[0];
  const seen = async (conversation = "general") => (await control("GET", `conversations/${conversation}`)).messages;
  async function failure(promise: Promise<unknown>): Promise<DeliveryError> {
    const error = await promise.then(
      () => expect.fail("it did not fail"),
      (cause: unknown) => cause,
    );
    return error instanceof DeliveryError ? error : expect.fail(String(error));
  }

  it("sends, replies and edits, and people see it", async () => {
    const [question] = await seen();
    const sent = await deliver(sendOf({ text: "thinking…", ...reply(question.id) }));
    expect(sent.externalId).toMatch(/^\d{13}_\d+$/);
    expect(await deliver(editOf(sent.externalId, "an answer 👋"))).toEqual(sent);
    expect((await seen())[1]).toMatchObject({
      bot: true,
      text: "an answer 👋",
      reply_to: question.id,
      edits: [{ text: "thinking…" }],
    });
  });

  it("posts into a named channel as the bot where the account says so", async () => {
    const settings = { ...account.settings, post_as: "bot" };
    const sent = await deliver(sendOf({ attributes: { cliq_channel_name: "general" } }), { settings });
    expect(sent.externalId).not.toBe("");
    expect((await deliver(sendOf({ attributes: {} }), { settings })).externalId).not.toBe("");
    const refused = await failure(deliver(sendOf({ attributes: { cliq_channel_name: "#General Talk" } }), { settings }));
    expect(refused).toMatchObject({ kind: "rejected", code: "request_url_invalid" });
  });

  it("sends without the quote when the quoted message is gone", async () => {
    await deliver(sendOf({ text: "still here", ...reply("1777804687057_137") }));
    expect((await seen())[1]).toMatchObject({ text: "still here", reply_to: "" });
  });

  it("rejects for good: a bad token, an unknown chat, somebody else's message, a message that is not there", async () => {
    const [question] = await seen();
    for (const [attempt, code] of [
      [() => deliver(sendOf({}), { credential: "1000.bad" }), "oauthtoken_invalid"],
      [() => deliver(sendOf({ conversationExternalId: "CT_404" })), "chat_not_found"],
      [() => deliver(sendOf({ conversationExternalId: "a'b\"c/d?e#f %20" })), "chat_not_found"],
      [() => deliver(sendOf({ conversationExternalId: ".." })), "id_malformed"],
      [() => deliver(editOf(question.id, "mine now")), "bot_unauthorized_message_access"],
      [() => deliver(editOf("1777804687057_137", "nothing")), "message_not_found"],
      [() => deliver(editOf("..", "nothing")), "id_malformed"],
      [
        () => deliver({ action: "send", payload: { chatId: general, channelName: "", text: "x".repeat(5_001), replyTo: "" } }),
        "invalid_parameters",
      ],
      [() => deliver({ action: "send", payload: {} }), "call_malformed"],
    ] as const) {
      expect(await failure(attempt())).toMatchObject({ kind: "rejected", code });
    }
    expect(await seen()).toHaveLength(1);
  });

  it("waits out the lock period after a limit, for Cliq does not say how long; a rate chosen at the installation does", async () => {
    const settled = await Promise.allSettled(Array.from({ length: 51 }, () => deliver(sendOf({}))));
    const refusals = settled.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(refusals).toMatchObject([{ kind: "rate_limited", retryAfterMs: lockPeriodMs }]);
    await control("POST", "apps", { name: "Mio", webhook_url: "", rate: { per_second: 1, burst: 2 } });
    const again = await Promise.allSettled(Array.from({ length: 3 }, () => deliver(sendOf({}))));
    expect(again.filter((each) => each.status === "rejected")).toMatchObject([
      { reason: { kind: "rate_limited", retryAfterMs: 1_000 } },
    ]);
  });

  it("does not know what became of a send without an answer, and may repeat an edit without one", async () => {
    await control("POST", "faults", { kind: "unavailable", count: 1 });
    expect(await failure(deliver(sendOf({})))).toMatchObject({ kind: "unknown", code: "operation_failed" });
    const sent = await deliver(sendOf({ text: "one" }));
    await control("POST", "faults", { kind: "answer_lost", count: 1 });
    expect(await failure(deliver(editOf(sent.externalId, "two")))).toMatchObject({ kind: "unavailable" });
    expect(await deliver(editOf(sent.externalId, "two"))).toEqual(sent);
    expect((await seen()).at(-1)).toMatchObject({ text: "two" });
    await control("POST", "faults", { kind: "rate_limited", count: 1, ms: 3_000 });
    expect(await failure(deliver(sendOf({})))).toMatchObject({ kind: "rate_limited", retryAfterMs: 3_000 });
  });

  it("never shows its credential in an error", async () => {
    const error = await failure(deliver(sendOf({}), { credential: "1000.very-secret" }));
    expect(JSON.stringify([error.message, error.code, String(error.cause)])).not.toContain("very-secret");
  });
});
