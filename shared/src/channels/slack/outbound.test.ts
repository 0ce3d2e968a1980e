import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { describe, expect, it } from "vitest";
import { type AccountId, messageIdOf } from "../../ids.ts";
import type { OutboundAccount } from "../contract/account.ts";
import { DeliveryError, type PlannedCall, type SendFetch } from "../contract/outbound.ts";
import { slackOutbound } from "./outbound.ts";

const accountId = "22222222-2222-4222-8222-222222222222" as AccountId;
const account: OutboundAccount = {
  accountId,
  externalId: "T01",
  settings: { api_base_url: "http://slack/api/" },
  credential: "xoxb-1",
};
const root = "1700000000.000100";

function plan(command: MessageInitShape<typeof SendCommandSchema>, editOf?: string) {
  const init = { accountId, id: "01A", conversationExternalId: "C1", text: "hi", ...command };
  return slackOutbound.plan(create(SendCommandSchema, init), editOf === undefined ? undefined : { externalId: editOf });
}

describe("planning", () => {
  it("is pure JSON, and the same each time", () => {
    const planned = plan({ text: "x".repeat(9_000) });
    expect(planned).toEqual(plan({ text: "x".repeat(9_000) }));
    expect(JSON.parse(JSON.stringify(planned))).toEqual(planned);
  });

  it("rejects what Slack can never send", () => {
    const rejected: [string, MessageInitShape<typeof SendCommandSchema>][] = [
      ["conversation_empty", { conversationExternalId: "" }],
      ["text_empty", { text: " \n" }],
      ["typing_unsupported", { typing: true }],
      ["relation_unsupported", { relation: { kind: MessageRelation_Kind.DELETE } }],
      ["relation_unsupported", { relation: { kind: MessageRelation_Kind.REACTION } }],
      ["edit_target_unknown", { editOfMessageId: "01B" }],
      ["attachments_unsupported", { attachments: [{ url: "https://x" }] }],
      ["rich_content_unsupported", { richContent: {} }],
    ];
    for (const [code, command] of rejected) expect(plan(command)).toMatchObject({ kind: "rejected", code });
    for (const target of ["", "x", "C2:1.0", "1700000000", "'; drop"]) {
      expect(plan({}, target)).toMatchObject({ kind: "rejected", code: "edit_target_malformed" });
    }
  });

  it("edits by ts or by our own name of the message, and sends what is too long for one after it", () => {
    for (const target of [root, `C1:${root}`, `C1:${root}:edit:1.0:ab`]) {
      expect(plan({}, target)).toEqual({
        kind: "calls",
        calls: [{ action: "edit", payload: { channel: "C1", ts: root, text: "hi" } }],
      });
    }
    const long = plan({ text: "word ".repeat(1_000), attributes: { slack_thread_ts: root } }, root);
    expect(long).toMatchObject({ calls: [{ action: "edit" }, { action: "send", payload: { thread_ts: root, part: 1 } }] });
  });

  it.each([
    ["by attribute", { attributes: { slack_thread_ts: root } }, root],
    ["by attribute, in our own spelling", { attributes: { slack_thread_ts: `C1:${root}` } }, root],
    [
      "by the message that it answers",
      { threadRootMessageId: idOf(root), relation: { kind: MessageRelation_Kind.REPLY, targetExternalId: `C1:${root}` } },
      root,
    ],
    ["by the first message itself", { threadRootMessageId: idOf(root), attributes: { slack_ts: root } }, root],
    ["not at all", {}, ""],
    [
      "not by a reply outside threads",
      { attributes: { slack_ts: root }, relation: { kind: MessageRelation_Kind.REPLY, targetExternalId: root } },
      "",
    ],
    ["not by an attribute that is no ts", { attributes: { slack_thread_ts: "yesterday" } }, ""],
    ["not by another message", { threadRootMessageId: idOf("1.000000"), attributes: { slack_ts: root } }, ""],
  ])("finds the thread %s", (_name, command, thread) => {
    expect(plan(command)).toMatchObject({ calls: [{ payload: { thread_ts: thread } }] });
  });

  it("sends no broken characters", () => {
    expect(plan({ text: "half \ud83d" })).toMatchObject({ calls: [{ payload: { text: "half \ufffd" } }] });
  });
});

function idOf(ts: string): string {
  return messageIdOf(accountId, slackOutbound.sourceMessageIdOf("C1", ts));
}

const sendCall: PlannedCall = {
  action: "send",
  payload: { channel: "C1", text: "hi", thread_ts: root, command_id: "01A", part: 0 },
};
const editCall: PlannedCall = { action: "edit", payload: { channel: "C1", ts: root, text: "hi" } };

async function failure(call: PlannedCall, answer: SendFetch): Promise<DeliveryError> {
  const error: unknown = await slackOutbound.deliver(call, { account, fetch: answer, idempotencyKey: "k" }).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof DeliveryError)) throw new Error(`not a DeliveryError: ${error}`);
  return error;
}

describe("delivering", () => {
  it("says who, where and which command, and never the same client_msg_id for another key", async () => {
    const requests: { url: string; headers: Record<string, string>; body: Record<string, unknown> }[] = [];
    const fetch: SendFetch = async (url, { headers, body }) => {
      requests.push({ url, headers, body: JSON.parse(String(body)) });
      return Response.json({ ok: true, ts: "1.000001", channel: "C1" });
    };
    for (const idempotencyKey of ["a", "a", "b"]) {
      expect(await slackOutbound.deliver(sendCall, { account, fetch, idempotencyKey })).toEqual({ externalId: "1.000001" });
    }
    expect(requests[0]).toMatchObject({
      url: "http://slack/api/chat.postMessage",
      headers: { authorization: "Bearer xoxb-1" },
      body: {
        channel: "C1",
        text: "hi",
        thread_ts: root,
        metadata: { event_type: "mio_command", event_payload: { command_id: "01A", part: 0 } },
      },
    });
    const ids = requests.map((each) => each.body.client_msg_id);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
    expect([ids[1] === ids[0], ids[2] === ids[0]]).toEqual([true, false]);
  });

  it("calls Slack itself when no other base URL is set", async () => {
    const urls: string[] = [];
    const fetch: SendFetch = async (url) => {
      urls.push(url);
      return Response.json({ ok: true, ts: "1.000001" });
    };
    const plain = { ...account, settings: {} };
    await slackOutbound.deliver(editCall, { account: plain, fetch, idempotencyKey: "k" });
    expect(urls).toEqual(["https://slack.com/api/chat.update"]);
  });

  const said = (error: string, status = 200) => Response.json({ ok: false, error }, { status });
  it.each<[string, () => Response, string, string]>([
    [
      "ratelimited",
      () => new Response('{"ok":false,"error":"ratelimited"}', { status: 429, headers: { "retry-after": "30" } }),
      "rate_limited",
      "ratelimited",
    ],
    ["ratelimited with 200", () => said("ratelimited"), "rate_limited", "ratelimited"],
    ["429 without a body", () => new Response("", { status: 429 }), "rate_limited", "http_429"],
    ["internal_error", () => said("internal_error"), "unknown", "internal_error"],
    ["fatal_error", () => said("fatal_error", 500), "unknown", "fatal_error"],
    ["duplicate_message_not_found", () => said("duplicate_message_not_found"), "unknown", "duplicate_message_not_found"],
    ["500 of a proxy", () => new Response("<html>", { status: 500 }), "unknown", "http_500"],
    ["504", () => new Response("", { status: 504 }), "unknown", "http_504"],
    ["200 that is not JSON", () => new Response("<html>"), "unknown", "http_200"],
    ["200 of a wrong shape", () => Response.json({ ok: "yes" }), "unknown", "http_200"],
    ["service_unavailable", () => said("service_unavailable", 503), "unavailable", "service_unavailable"],
    ["team_added_to_org", () => said("team_added_to_org"), "unavailable", "team_added_to_org"],
    ["request_timeout", () => said("request_timeout"), "unavailable", "request_timeout"],
    ["invalid_auth", () => said("invalid_auth"), "rejected", "invalid_auth"],
    ["channel_not_found", () => said("channel_not_found"), "rejected", "channel_not_found"],
    ["a word that nobody knows", () => said("brand_new_refusal"), "rejected", "brand_new_refusal"],
    ["a word that is none", () => said("Ann said: <secret>"), "rejected", "http_200"],
    ["no word", () => Response.json({ ok: false }), "rejected", "error_missing"],
    ["a redirect", () => new Response("", { status: 302, headers: { location: "https://elsewhere" } }), "rejected", "http_302"],
    ["404 of a proxy", () => new Response("<html>", { status: 404 }), "rejected", "http_404"],
    ["ok with an error status", () => Response.json({ ok: true, ts: "1.0" }, { status: 502 }), "unknown", "http_502"],
  ])("%s", async (_name, answer, kind, code) => {
    expect(await failure(sendCall, async () => answer())).toMatchObject({ kind, code });
    // An edit may be repeated at will.
    const edited = await failure(editCall, async () => answer());
    expect(edited).toMatchObject({ kind: kind === "unknown" ? "unavailable" : kind, code });
  });

  it("waits as Slack says, and for a while when it does not say", async () => {
    const limited = (retryAfter?: string) => async () =>
      new Response("", { status: 429, headers: retryAfter === undefined ? {} : { "retry-after": retryAfter } });
    expect((await failure(sendCall, limited("7"))).retryAfterMs).toBe(7_000);
    for (const odd of [undefined, "soon", "-1", "1.5"]) expect((await failure(sendCall, limited(odd))).retryAfterMs).toBe(30_000);
  });

  it("passes on what the connection says, and calls an answer that broke off unknown", async () => {
    const refused = new DeliveryError("unavailable", "connection_refused", "nobody listens");
    expect(await failure(sendCall, () => Promise.reject(refused))).toBe(refused);
    const broken = new ReadableStream({ start: (controller) => controller.error(new Error("reset")) });
    expect(await failure(sendCall, async () => new Response(broken))).toMatchObject({
      kind: "unknown",
      code: "answer_incomplete",
    });
  });

  it("rejects a call that it did not plan", async () => {
    const never: SendFetch = () => Promise.reject(new Error("called"));
    for (const payload of [{}, { channel: 1 }])
      expect(await failure({ action: "send", payload }, never)).toMatchObject({ kind: "rejected", code: "call_malformed" });
  });

  it("cannot tell where history is limited", () => {
    expect(slackOutbound.grade(account)).toBe("reconcilable");
    expect(slackOutbound.grade({ ...account, settings: { history: "limited" } })).toBe("cannot_tell");
  });
});
