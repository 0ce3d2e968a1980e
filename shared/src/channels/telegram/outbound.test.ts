import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AttachmentSchema } from "@mio/proto/gen/mio/v1/attachment_pb.ts";
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { describe, expect, it } from "vitest";
import type { AccountId } from "../../ids.ts";
import type { OutboundAccount } from "../contract/account.ts";
import { DeliveryError, type PlannedCall } from "../contract/outbound.ts";
import { splitText } from "../kit/split-text.ts";
import { telegramOutbound } from "./outbound.ts";

const chat = "-1001234567890";

function plan(command: MessageInitShape<typeof SendCommandSchema>, editTarget?: { externalId: string }) {
  return telegramOutbound.plan(
    create(SendCommandSchema, { conversationExternalId: chat, text: "hello", ...command }),
    editTarget,
  );
}

function payloads(...args: Parameters<typeof plan>) {
  const planned = plan(...args);
  if (planned.kind !== "calls") throw new Error(planned.code);
  return planned.calls.map((call) => ({ action: call.action, ...call.payload }));
}

const reply = (targetExternalId: string) => ({ relation: { kind: MessageRelation_Kind.REPLY, targetExternalId } });

describe("plan", () => {
  it("sends plain text", () => {
    expect(payloads({})).toEqual([{ action: "send", chat_id: chat, text: "hello" }]);
  });

  it("replies to the message of the event, also when the event was its edit", () => {
    const expected = [
      { action: "send", chat_id: chat, text: "hello", reply_parameters: { message_id: 91, allow_sending_without_reply: true } },
    ];
    expect(payloads(reply(`${chat}:91`))).toEqual(expected);
    expect(payloads(reply(`${chat}:91:edit:1700000000:5`))).toEqual(expected);
  });

  it.each(["callback:4382", "-5:91", "", "91", `${chat}:9'1`])("sends without a reply when the target is %j", (target) => {
    expect(payloads(reply(target))).toEqual([{ action: "send", chat_id: chat, text: "hello" }]);
  });

  it("stays in the topic that the command names", () => {
    expect(payloads({ attributes: { telegram_message_thread_id: "12" } })[0]).toMatchObject({ message_thread_id: 12 });
    expect(payloads({ attributes: { telegram_message_thread_id: "12; drop" } })[0]).not.toHaveProperty("message_thread_id");
  });

  it("edits by the message's id, in the chat that the id names when it names one", () => {
    expect(payloads({}, { externalId: "42" })).toEqual([{ action: "edit", chat_id: chat, message_id: 42, text: "hello" }]);
    expect(payloads({}, { externalId: "-100777:42" })).toEqual([
      { action: "edit", chat_id: "-100777", message_id: 42, text: "hello" },
    ]);
  });

  it("splits a long text, replies with the first part and edits only one message", () => {
    const text = "x".repeat(5000);
    expect(payloads({ text, ...reply(`${chat}:91`) }).map((call) => "reply_parameters" in call)).toEqual([true, false]);
    expect(payloads({ text }, { externalId: "42" }).map((call) => call.action)).toEqual(["edit", "send"]);
  });

  const never: [string, MessageInitShape<typeof SendCommandSchema>][] = [
    ["text_empty", { text: " \n " }],
    ["conversation_malformed", { conversationExternalId: "1; drop" }],
    ["conversation_empty", { conversationExternalId: "" }],
    ["attachments_unsupported", { attachments: [create(AttachmentSchema, {})] }],
    [
      "relation_unsupported",
      { relation: { kind: MessageRelation_Kind.REACTION, targetExternalId: `${chat}:1`, reactionEmoji: "👍" } },
    ],
    ["typing_unsupported", { typing: true }],
    ["rich_content_unsupported", { richContent: {} }],
  ];
  it.each(never)("G5: says %s instead of sending less than was asked", (code, command) => {
    expect(plan(command)).toMatchObject({ kind: "rejected", code });
  });

  it("G5: does not take an edit target that is no message id for one", () => {
    expect(plan({}, { externalId: "abc" })).toMatchObject({ kind: "rejected", code: "edit_target_malformed" });
  });

  it("survives JSON", () => {
    const planned = plan({ text: "y".repeat(9000), ...reply(`${chat}:91`) });
    expect(JSON.parse(JSON.stringify(planned))).toEqual(planned);
  });
});

describe("splitting", () => {
  it("cuts at 4096 UTF-16 code units, which is what Telegram counts", () => {
    expect(splitText("🦊".repeat(2049), 4096).map((part) => part.length)).toEqual([4096, 2]);
    expect(splitText("x".repeat(4096), 4096)).toHaveLength(1);
  });
});

const account: OutboundAccount = {
  accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
  externalId: "999",
  settings: { api_base_url: "http://api" },
  credential: "999:secret",
};
const send: PlannedCall = { action: "send", payload: { chat_id: chat, text: "hello" } };
const edit: PlannedCall = { action: "edit", payload: { chat_id: chat, message_id: 42, text: "hello" } };

async function deliver(call: PlannedCall, ...answers: (Response | Error)[]) {
  const bodies: unknown[] = [];
  const outcome = await telegramOutbound
    .deliver(call, {
      account,
      idempotencyKey: "k",
      fetch: async (_url, init) => {
        bodies.push(JSON.parse(String(init.body)));
        const answer = answers.shift();
        if (answer instanceof Response) return answer;
        throw answer ?? new Error("called more often than expected");
      },
    })
    .catch((error: unknown) => error);
  return { outcome, bodies };
}

function refusal(errorCode: number, description: string, parameters?: object) {
  return Response.json(
    { ok: false, error_code: errorCode, description, ...(parameters ? { parameters } : {}) },
    { status: errorCode },
  );
}

const refusals: [Response, string, string][] = [
  [refusal(429, "Too Many Requests: retry after 14", { retry_after: 14 }), "rate_limited", "too_many_requests"],
  [refusal(503, "Service Unavailable"), "unavailable", "service_unavailable"],
  [refusal(500, "Internal Server Error"), "unknown", "server_error_500"],
  [new Response("<html>Bad Gateway</html>", { status: 502 }), "unknown", "server_error_502"],
  [new Response("", { status: 200 }), "unknown", "answer_unreadable"],
  [Response.json({ ok: true, result: true }), "unknown", "answer_unreadable"],
  [new Response("", { status: 302, headers: { Location: "http://elsewhere" } }), "rejected", "refused_302"],
  [refusal(401, "Unauthorized"), "rejected", "unauthorized"],
  [refusal(404, "Not Found"), "rejected", "not_found"],
  [refusal(403, "Forbidden: bot was blocked by the user"), "rejected", "blocked_by_user"],
  [refusal(403, "Forbidden: bot was kicked from the supergroup chat"), "rejected", "kicked"],
  [refusal(400, "Bad Request: chat not found"), "rejected", "chat_not_found"],
  [refusal(400, "Bad Request: message thread not found"), "rejected", "thread_not_found"],
  [refusal(400, "Bad Request: something new"), "rejected", "refused_400"],
];

describe("deliver", () => {
  it.each(refusals)("judges a refusal by its number (%#: %s → %s, %s)", async (response, kind, code) => {
    const { outcome } = await deliver(send, response.clone());
    expect(outcome).toBeInstanceOf(DeliveryError);
    expect(outcome).toMatchObject({ kind, code });
    expect(String(outcome)).not.toContain("secret");
  });

  it("G8: waits as long as Telegram says", async () => {
    expect((await deliver(send, refusal(429, "Too Many Requests", { retry_after: 14 }))).outcome).toMatchObject({
      retryAfterMs: 14_000,
    });
    expect((await deliver(send, refusal(429, "Too Many Requests: retry after 3"))).outcome).toMatchObject({ retryAfterMs: 3000 });
    const proxy = new Response("slow down", { status: 429, headers: { "Retry-After": "7" } });
    expect((await deliver(send, proxy)).outcome).toMatchObject({ kind: "rate_limited", retryAfterMs: 7000 });
  });

  it("takes `message is not modified` for what it is: done", async () => {
    expect((await deliver(edit, refusal(400, "Bad Request: message is not modified: specified…"))).outcome).toEqual({
      externalId: "42",
    });
  });

  it("G6: leaves a send of unknown outcome unknown, and lets an edit be tried again", async () => {
    const lost = () => new DeliveryError("unknown", "timeout", "no answer");
    expect((await deliver(send, lost())).outcome).toMatchObject({ kind: "unknown" });
    expect((await deliver(edit, lost())).outcome).toMatchObject({ kind: "unavailable" });
    expect((await deliver(edit, refusal(500, "Internal Server Error"))).outcome).toMatchObject({ kind: "unavailable" });
  });

  it("follows a group to its new id, once, without the reply that means nothing there", async () => {
    const moved = refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", { migrate_to_chat_id: -100777 });
    const sent = Response.json({ ok: true, result: { message_id: 3, chat: { id: -100777 } } });
    const withReply = { ...send, payload: { ...send.payload, reply_parameters: { message_id: 1 } } };
    const { outcome, bodies } = await deliver(withReply, moved, sent);
    expect(outcome).toEqual({ externalId: "-100777:3" });
    expect(bodies[1]).toEqual({ chat_id: "-100777", text: "hello" });
    expect(telegramOutbound.sourceMessageIdOf(chat, "-100777:3")).toBe("-100777:3");
    expect(telegramOutbound.sourceMessageIdOf(chat, "3")).toBe(`${chat}:3`);
  });
});
