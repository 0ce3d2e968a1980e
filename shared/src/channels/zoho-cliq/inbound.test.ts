// What this door owes beyond the suite that every door runs (conformance.test.ts).
import { ConversationKind } from "@mio/proto/gen/mio/v1/enums_pb.ts";
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AccountId, TenantId } from "../../ids.ts";
import type { InboundAccount } from "../contract/account.ts";
import type { Normalised } from "../contract/inbound.ts";
import { zohoCliqInbound } from "./inbound.ts";

const account: InboundAccount = {
  tenantId: "11111111-1111-4111-8111-111111111111" as TenantId,
  accountId: "22222222-2222-4222-8222-222222222222" as AccountId,
  channelType: "zoho_cliq",
  externalId: "999999999",
  settings: {},
};

function request(text: string) {
  const body = new TextEncoder().encode(text);
  return { method: "POST", url: "https://edge.example/webhooks/zoho-cliq", headers: new Headers(), body };
}

const normalise = (payload: unknown, settings = {}) =>
  zohoCliqInbound.read(request(JSON.stringify(payload))).normalise({ ...account, settings });

function messageOf(normalised: Normalised): Message {
  if (normalised.kind !== "messages") return expect.fail(`${normalised.kind}: ${normalised.reason}`);
  return normalised.events[0]?.message ?? expect.fail("no event");
}

const user = { id: "100000001", name: "Ann", organization_id: "999999999" };
const chat = { id: "CT_1_999999999", chat_type: "channel", channel_unique_name: "testdev", title: "#TestDev" };
const sent = (message: unknown, over: object = {}) => ({
  operation: "message_sent",
  data: { time: 1777804687085, message },
  user,
  chat,
  ...over,
});
const plain = { id: "1777804687057%20137127178967", text: "hello" };

describe("identity", () => {
  it("G3: gives one id to the three spellings of a message id", () => {
    const ids = ["1777804687057%20137127178967", "1777804687057 137127178967", "1777804687057_137127178967"];
    expect(new Set(ids.map((id) => messageOf(normalise(sent({ ...plain, id }))).id)).size).toBe(1);
  });

  it("gives message, each edit and the delete their own ids, all about one message", () => {
    const original = messageOf(normalise(sent(plain)));
    const change = (operation: string, time: number) =>
      messageOf(normalise({ ...sent(plain), operation, data: { time, message: plain } }));
    const changes = [
      change("message_edited", 1777804690000),
      change("message_edited", 1777804690001),
      change("message_deleted", 1777804690002),
    ];
    expect(new Set([original, ...changes].map((message) => message.id)).size).toBe(4);
    for (const message of changes) expect(message.relation?.targetMessageId).toBe(original.id);
    for (const message of changes) expect(message.conversationId).toBe(original.conversationId);
  });

  it("takes the day from the message's own id, as a history import would, also around midnight", () => {
    const midnight = Date.UTC(2026, 4, 4);
    const normalised = normalise(
      sent(
        { ...plain, id: `${midnight - 1}%2017` },
        { data: { time: midnight + 20, message: { ...plain, id: `${midnight - 1}%2017` } } },
      ),
    );
    expect(normalised.kind === "messages" && normalised.events[0]?.eventDay).toBe("2026-05-03");
  });

  it("derives an id for a native DM from its own data: the same for a repeat, another for another time, text, user or chat", () => {
    const native = (over: { time?: number; text?: string; user?: string; chat?: string }) =>
      messageOf(
        normalise({
          handler: { type: "message_handler" },
          timestamp: 1_700_000_000_500,
          params: {
            message: over.text ?? "Hi",
            message_details: { time: over.time ?? 1_700_000_000_000 },
            user: { id: over.user ?? "1" },
            chat: { id: over.chat ?? "CT_1-B2" },
          },
        }),
      ).id;
    expect(native({})).toBe(native({}));
    expect(
      new Set([
        native({}),
        native({ time: 1_700_000_000_001 }),
        native({ text: "Ho" }),
        native({ user: "2" }),
        native({ chat: "CT_2-B2" }),
      ]).size,
    ).toBe(5);
  });
});

describe("what a conversation is", () => {
  it("is told from its id and flags", () => {
    for (const [given, kind] of [
      [{ id: "CT_1_9" }, ConversationKind.UNSPECIFIED],
      [{ id: "CT_1_9", type: "channel" }, ConversationKind.CHANNEL_PUBLIC],
      [{ id: "CT_1_9", channel_unique_name: "x" }, ConversationKind.CHANNEL_PUBLIC],
      [{ id: "CT_1_9-T-2", type: "channel" }, ConversationKind.THREAD],
      [{ id: "CT_1_9-B2" }, ConversationKind.DM],
      [{ id: "CT_1_9", type: "bot" }, ConversationKind.DM],
      [{ id: "CT_1_9", is_dm: true, type: "channel" }, ConversationKind.DM],
    ] as const) {
      expect(messageOf(normalise(sent(plain, { chat: given }))).conversationKind, JSON.stringify(given)).toBe(kind);
    }
  });
});

describe("guards", () => {
  it("ignores our own messages by bot id, unique name, and every self id", () => {
    const settings = { bot_id: "900", bot_unique_name: "miobot", self_ids: "901, 902" };
    for (const own of [
      { id: "900" },
      { id: "1", zoho_user_id: "902" },
      { id: "901" },
      { id: "1", name: "miobot" },
      { id: "1", unique_name: "miobot" },
    ]) {
      expect(normalise(sent(plain, { user: own }), settings), JSON.stringify(own)).toEqual({
        kind: "ignored",
        reason: "own_message",
      });
    }
    expect(normalise(sent(plain, { user: { id: "903", name: "" } }), { ...settings, self_ids: "" }).kind).toBe("messages");
  });

  it("ignores other bots", () => {
    for (const bot of [{ id: "b-1" }, { id: "1", is_bot: true }, { id: "1", type: "bot" }]) {
      expect(normalise(sent(plain, { user: bot }))).toEqual({ kind: "ignored", reason: "bot_message" });
    }
  });

  it("ignores operations and handlers that say nothing, also ones that nobody knows", () => {
    for (const operation of [
      "added",
      "removed",
      "auto_followed_thread",
      "added_in_thread",
      "removed_from_thread",
      "thread_closed",
      "thread_reopened",
    ]) {
      expect(normalise({ operation, user, chat })).toEqual({ kind: "ignored", reason: `operation_${operation}` });
    }
    expect(normalise({ operation: "constructor" })).toEqual({ kind: "ignored", reason: "operation_unknown" });
    expect(normalise({ operation: "" })).toEqual({ kind: "ignored", reason: "operation_unknown" });
    for (const type of ["welcome_handler", "alert_handler", "context_handler", "incoming_webhook_handler"]) {
      expect(normalise({ handler: { type }, params: {} })).toEqual({
        kind: "ignored",
        reason: `handler_${type.replace("_handler", "")}`,
      });
    }
    expect(normalise({ handler: "toString" })).toEqual({ kind: "ignored", reason: "handler_unknown" });
  });
});

describe("bad input", () => {
  it("is malformed with a reason when it is not JSON, or of the wrong shape", () => {
    const bodies = ["", "{", "null", "[]", "17", '"text"', "operation=message_sent&text=hi"];
    for (const body of bodies) expect(zohoCliqInbound.read(request(body)).normalise(account).kind, body).toBe("malformed");
    for (const payload of [
      {},
      { operation: 17 },
      { handler: {} },
      { params: "x" },
      { operation: "message_sent" },
      sent(plain, { chat: undefined }),
      sent(plain, { user: undefined }),
      sent(plain, { chat: { id: "" } }),
      sent(plain, { chat: { id: 17 } }),
      sent(plain, { user: { id: null } }),
      sent(plain, { user: { id: ["1"] } }),
      sent(undefined),
      sent(17),
      sent({ ...plain, id: "" }),
      sent({ ...plain, id: 1777804687057 }),
      sent({ ...plain, text: 17 }),
      sent({ ...plain, file: "x" }),
      sent({ ...plain, replied_message: { id: 17 } }),
      sent(plain, { data: { time: -1, message: plain } }),
      sent(plain, { data: { time: 1e300, message: plain } }),
      sent(plain, { data: { time: "soon", message: plain } }),
      { ...sent({ text: "no id" }), operation: "message_edited" },
      { ...sent(plain), operation: "message_edited", data: { message: plain } },
      { ...sent({}), operation: "message_deleted" },
      { handler: "message", message: "no time", user, chat },
      { handler: { type: "button_handler" }, type: "function", params: { user, chat } },
    ]) {
      const normalised = normalise(payload);
      expect(normalised.kind, JSON.stringify(payload)).toBe("malformed");
    }
  });

  it("refuses ids that no key further on could hold: too long, with control characters, not well formed", () => {
    for (const id of ["x".repeat(257), "a\u0000b", "a\nb", "\ud800"]) {
      expect(normalise(sent({ ...plain, id })).kind).toBe("malformed");
      expect(normalise(sent(plain, { chat: { ...chat, id } })).kind).toBe("malformed");
      expect(normalise(sent(plain, { user: { ...user, id } })).kind).toBe("malformed");
    }
  });

  it("takes ids with quotes, dots, spaces, percent signs and other scripts as they are", () => {
    for (const id of ["a'b\"c", "a.b.c", "a b", "a%20b", "%", "*>", "会議-1", "👋", "__proto__"]) {
      const message = messageOf(normalise(sent({ ...plain, id }, { chat: { ...chat, id } })));
      expect(message.conversationExternalId).toBe(id);
      expect(message.sourceMessageId).toBe(`${id}:${id}`);
      expect(message.conversationId).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it("leaves out what is odd and only nice to have", () => {
    const odd = sent(
      { ...plain, mentions: "none", content: 17 },
      { user: { ...user, name: 17, is_bot: "no" }, chat: { ...chat, title: {}, is_dm: "no" }, attachments: { a: 1 } },
    );
    expect(messageOf(normalise(odd))).toMatchObject({ text: "hello", sender: { displayName: "" }, attachments: [] });
  });

  it("never throws, whatever the JSON", () => {
    const shape = fc.record(
      {
        operation: fc.oneof(fc.constantFrom("message", "message_sent", "message_edited", "message_deleted"), fc.anything()),
        handler: fc.oneof(fc.constantFrom("message_handler", "execution_handler", "button_handler"), fc.anything()),
        data: fc.oneof(fc.record({ time: fc.anything(), message: fc.anything() }), fc.anything()),
        message: fc.anything(),
        user: fc.oneof(fc.constant(user), fc.anything()),
        chat: fc.oneof(fc.constant(chat), fc.anything()),
        params: fc.anything(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(shape, (payload) => {
        const body = request(JSON.stringify(payload, (_, value) => (typeof value === "bigint" ? String(value) : value)) ?? "");
        expect(["messages", "ignored", "malformed"]).toContain(zohoCliqInbound.read(body).normalise(account).kind);
        zohoCliqInbound.read(body).workspace();
      }),
    );
  });
});

describe("the door", () => {
  it("reads the claimed workspace from the user or from the native access record", () => {
    const claimed = (payload: unknown) => zohoCliqInbound.read(request(JSON.stringify(payload))).workspace();
    expect(claimed(sent(plain))).toBe("999999999");
    expect(claimed({ params: { access: { organization: { id: "123" } } } })).toBe("123");
    for (const payload of [{}, sent(plain, { user: { id: "1" } }), 17]) expect(claimed(payload)).toBeUndefined();
    expect(zohoCliqInbound.read(request("{")).workspace()).toBeUndefined();
  });

  it("answers 200 with an empty object to what was taken, and 503 only when nothing was", () => {
    for (const outcome of ["accepted", "ignored", "malformed"] as const)
      expect(zohoCliqInbound.answer(outcome)).toMatchObject({ status: 200, body: "{}" });
    expect(zohoCliqInbound.answer("unavailable")).toMatchObject({ status: 503, body: "{}" });
  });
});
