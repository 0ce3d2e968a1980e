import { fromJson, toJson } from "@bufbuild/protobuf";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { verifySlackRequest } from "slack-edge";
import { describe, expect, it, vi } from "vitest";
import type { AccountId, TenantId } from "../../ids.ts";
import { describeInboundDoor, requestOfVector } from "../conformance/conformance.ts";
import type { InboundAccount, WebhookRequest } from "../contract.ts";
import vectors from "./fixtures/signature-vectors.json" with { type: "json" };
import webhooks from "./fixtures/webhooks.json" with { type: "json" };
import { slackInbound } from "./inbound.ts";

const account: InboundAccount = {
  tenantId: "11111111-1111-4111-8111-111111111111" as TenantId,
  accountId: "22222222-2222-4222-8222-222222222222" as AccountId,
  channelType: "slack",
  externalId: "T01ABCD2EFG",
  settings: { bot_user_id: "U0BOT", bot_id: "B0BOT", app_id: "A0APP0001" },
};

const json = "application/json";
const form = "application/x-www-form-urlencoded";

function request(contentType: string, body: string): WebhookRequest {
  const headers = new Headers({ "content-type": contentType });
  return { method: "POST", url: "https://gateway.example/webhooks/slack", headers, body: new TextEncoder().encode(body) };
}

function fixture(name: string): WebhookRequest {
  const found = webhooks.find((each) => each.name === name);
  if (!found) throw new Error(`no fixture ${name}`);
  return request(found.contentType, found.body);
}

describeInboundDoor({
  door: slackInbound,
  account,
  contentTypes: [json, form],
  vectors,
  samples: [
    "files",
    "reply in a thread",
    "broadcast reply",
    "edit",
    "second edit within the same second",
    "changed text without an editor",
    "deleted first message of a thread",
    "delete",
    "reaction",
    "reaction taken away",
    "button",
    "two actions, in a thread",
    "slash command",
  ].map(fixture),
});

describe("normalising", () => {
  it.each(webhooks.map((each) => [each.name, each] as const))("%s", (_name, { contentType, body, expected }) => {
    const normalised = slackInbound.normalise(request(contentType, body), account);
    if (normalised.kind !== "messages" || !expected.events) return expect(normalised).toEqual(expected);
    expect(normalised.events.map((event) => ({ ...event, message: toJson(MessageSchema, event.message) }))).toEqual(
      expected.events,
    );
    for (const event of expected.events) fromJson(MessageSchema, event.message);
  });

  it("G3: names the app_mention twin as the message itself", () => {
    const ids = ["plain message", "app_mention twin", "first message of a thread, told after it was answered"].map((name) => {
      const normalised = slackInbound.normalise(fixture(name), account);
      return normalised.kind === "messages" ? normalised.events.map((each) => [each.message.id, each.eventDay]) : [];
    });
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
  });

  it("lets other bots in when the account asks for it, and still not itself", () => {
    const open = { ...account, settings: { ...account.settings, accept_bots: "true" } };
    const normalised = slackInbound.normalise(fixture("other bot's message"), open);
    expect(normalised).toMatchObject({ kind: "messages", events: [{ message: { sender: { isBot: true } } }] });
    expect(slackInbound.normalise(fixture("own message"), open)).toEqual({ kind: "ignored", reason: "own_message" });
  });

  it("takes no missing setting for its own id", () => {
    const normalised = slackInbound.normalise(fixture("plain message"), {
      ...account,
      settings: { bot_user_id: "", bot_id: "" },
    });
    expect(normalised.kind).toBe("messages");
  });
});

describe("whose event it is", () => {
  it.each([
    ["plain message", "T01ABCD2EFG"],
    ["message of Slack Connect", "T01ABCD2EFG"],
    ["button", "T01ABCD2EFG"],
    ["slash command", "T01ABCD2EFG"],
    ["text of a wrong type", "T01ABCD2EFG"],
    ["payload that is not JSON", undefined],
    ["array", undefined],
  ])("%s claims %s", (name, workspace) => {
    expect(slackInbound.claimedWorkspace(fixture(name))).toBe(workspace);
  });

  it("takes ids of a wrong type for none", () => {
    for (const team of [1, null, {}, [], "", "x".repeat(300), true]) {
      const body = JSON.stringify({ type: "event_callback", team_id: team, context_team_id: team, authorizations: team });
      expect(slackInbound.claimedWorkspace(request(json, body))).toBeUndefined();
    }
  });
});

describe("handshakes", () => {
  it("answers ssl_check unsigned, and nothing else", () => {
    expect(slackInbound.unsignedHandshake(request(form, "ssl_check=1&token=x"))).toEqual({ status: 200, headers: {}, body: "" });
    for (const [contentType, body] of [
      [form, "ssl_check=0&token=x"],
      [form, `ssl_check=1&token=${"x".repeat(2_000)}`],
      [form, "payload=%7B%7D&ssl_check=1"],
      [json, '{"ssl_check":1}'],
      [form, ""],
    ] as const) {
      expect(slackInbound.unsignedHandshake(request(contentType, body)), body.slice(0, 40)).toBeUndefined();
    }
    for (const each of webhooks.filter(({ name }) => name !== "ssl_check")) {
      expect(slackInbound.unsignedHandshake(request(each.contentType, each.body))).toBeUndefined();
    }
  });

  it("echoes the challenge of url_verification, which is signed", () => {
    const vector = vectors.find((each) => each.id === "slack-url-verification");
    if (!vector) throw new Error("no such vector");
    const verification = requestOfVector(vector);
    expect(slackInbound.unsignedHandshake(verification)).toBeUndefined();
    const answer = slackInbound.signedHandshake(verification);
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": json } });
    expect(JSON.parse(answer?.body ?? "")).toEqual({ challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" });
    expect(slackInbound.signedHandshake(fixture("plain message"))).toBeUndefined();
    expect(slackInbound.signedHandshake(request(json, '{"type":"url_verification"}'))).toBeUndefined();
  });
});

describe("signature", () => {
  /** slack-edge has no clock of its own to give, and takes a future or doubled header: those vectors are left out. */
  const lenient = ["slack-future-301s", "slack-uppercase-hex", "slack-no-version", "slack-version-v1", "slack-timestamp-nan"];

  it("agrees with slack-edge on every vector that it judges", async () => {
    vi.useFakeTimers();
    vi.spyOn(console, "log").mockImplementation(() => undefined);
    try {
      for (const vector of vectors.filter((each) => !lenient.includes(each.id))) {
        vi.setSystemTime(vector.now * 1_000);
        const { headers, body } = requestOfVector(vector);
        const theirs = await verifySlackRequest(vector.secret, headers, new TextDecoder().decode(body)).catch(() => false);
        expect(theirs, vector.id).toBe(vector.valid);
      }
    } finally {
      vi.useRealTimers();
      vi.restoreAllMocks();
    }
  });
});
