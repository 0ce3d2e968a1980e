// What Slack's door owes beyond the suite that every door runs (conformance.test.ts).
import { verifySlackRequest } from "slack-edge";
import { describe, expect, it, vi } from "vitest";
import { proofFixturesOf, webhookFixturesOf } from "../conformance/fixture.ts";
import type { InboundAccount } from "../contract/account.ts";
import type { WebhookRequest } from "../contract/inbound.ts";
import { slackInbound } from "./inbound.ts";

const webhooks = webhookFixturesOf("slack");

const json = "application/json";
const form = "application/x-www-form-urlencoded";

function request(contentType: string, body: string): WebhookRequest {
  const headers = new Headers({ "content-type": contentType });
  return { method: "POST", url: "https://gateway.example/webhooks/slack", headers, body: new TextEncoder().encode(body) };
}

const fixture = (name: string) => webhooks.find((each) => each.name === name) ?? expect.fail(`no fixture ${name}`);

function normalised(name: string, settings: InboundAccount["settings"] = {}) {
  const { request: webhook, account } = fixture(name);
  return slackInbound.read(webhook).normalise({ ...account, settings: { ...account.settings, ...settings } });
}

describe("normalising", () => {
  it("G3: names the app_mention twin as the message itself", () => {
    const ids = ["plain-message", "app-mention-twin", "first-message-of-a-thread-told-after-it-was-answered"].map((name) => {
      const found = normalised(name);
      return found.kind === "messages" ? found.events.map((each) => [each.message.id, each.eventDay]) : [];
    });
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
  });

  it("lets other bots in when the account asks for it, and still not itself", () => {
    const open = { accept_bots: "true" };
    expect(normalised("other-bots-message", open)).toMatchObject({
      kind: "messages",
      events: [{ message: { sender: { isBot: true } } }],
    });
    expect(normalised("own-message", open)).toEqual({ kind: "ignored", reason: "own_message" });
  });

  it("takes no missing setting for its own id", () => {
    const { request: webhook, account } = fixture("plain-message");
    expect(slackInbound.read(webhook).normalise({ ...account, settings: { bot_user_id: "", bot_id: "" } }).kind).toBe("messages");
  });
});

describe("whose event it is", () => {
  it("takes ids of a wrong type for none", () => {
    for (const team of [1, null, {}, [], "", "x".repeat(300), true]) {
      const body = JSON.stringify({ type: "event_callback", team_id: team, context_team_id: team, authorizations: team });
      expect(slackInbound.read(request(json, body)).workspace()).toBeUndefined();
    }
  });
});

describe("handshakes", () => {
  it("answers ssl_check unsigned, and nothing like it", () => {
    for (const [contentType, body] of [
      [form, "ssl_check=0&token=x"],
      [form, `ssl_check=1&token=${"x".repeat(2_000)}`],
      [form, "payload=%7B%7D&ssl_check=1"],
      [json, '{"ssl_check":1}'],
      [form, ""],
    ] as const) {
      expect(slackInbound.read(request(contentType, body)).unsignedHandshake?.(), body.slice(0, 40)).toBeUndefined();
    }
  });

  it("takes no url_verification without a challenge for one", () => {
    expect(slackInbound.read(request(json, '{"type":"url_verification"}')).signedHandshake?.()).toBeUndefined();
  });
});

describe("signature", () => {
  /** slack-edge has no clock of its own to give, and takes a future or doubled header: those vectors are left out. */
  const lenient = ["future-301s", "uppercase-hex", "no-version", "version-v1", "timestamp-nan"].map(
    (name) => `signatures/slack-${name}`,
  );

  it("agrees with slack-edge on every vector that it judges", async () => {
    vi.useFakeTimers();
    vi.spyOn(console, "log").mockImplementation(() => undefined);
    try {
      for (const proof of proofFixturesOf("slack").filter(({ name }) => !lenient.includes(name))) {
        vi.setSystemTime(proof.nowMs);
        const { headers, body } = proof.request;
        const theirs = await verifySlackRequest(proof.secret.value, headers, new TextDecoder().decode(body)).catch(() => false);
        expect(theirs, proof.name).toBe(proof.verified);
      }
    } finally {
      vi.useRealTimers();
      vi.restoreAllMocks();
    }
  });
});
