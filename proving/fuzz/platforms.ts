// The platforms as an attacker meets them: for each channel some accounts with secrets, webhooks as the platform sends them, how it signs
// them, and a judge of proofs that shares nothing with the doors. A channel is added here when its door is added to the list.
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AccountId, accountIdOf, type TenantId, tenantIdOf } from "@mio/shared/ids.ts";
import * as v from "valibot";

export interface HostileAccount {
  tenantId: TenantId;
  accountId: AccountId;
  externalId: string;
  scheme: string;
  /** As the directory holds it. */
  secret: string;
  /** What the platform signs with, where that is another one. */
  privateKey?: string;
  settings: Readonly<Record<string, string>>;
}

export interface Sample {
  name: string;
  contentType: string;
  body: string;
}

export interface HostilePlatform {
  channelType: string;
  /** Of its webhooks on the shared URL: the first is the present one. */
  paths: readonly string[];
  accounts: readonly HostileAccount[];
  samples: readonly Sample[];
  /** Headers of a genuine webhook of this account. */
  signed(account: HostileAccount, body: Uint8Array, atSeconds: number): [string, string][];
  /** Whether these headers prove that the account's platform sent this body. */
  proves(account: HostileAccount, headers: Headers, body: Uint8Array, nowMs: number): boolean;
  /** What it sends without a proof and expects answered 200; nothing may be left behind. */
  unsignedHandshake(headers: Headers, body: Uint8Array): boolean;
}

const windowSeconds = 300;
const fixturesOf = (channel: string) => join(import.meta.dirname, "../../shared/src/channels", channel, "fixtures");
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

function hmac(secret: string, ...parts: (string | Uint8Array)[]): Buffer {
  const digest = createHmac("sha256", secret);
  for (const part of parts) digest.update(part);
  return digest.digest();
}

function within(text: string | undefined, nowMs: number): boolean {
  return text !== undefined && /^\d{1,12}$/.test(text) && Math.abs(Math.floor(nowMs / 1_000) - Number(text)) <= windowSeconds;
}

function accountOf(channelType: string, externalId: string, scheme: string, secret: string, rest: Partial<HostileAccount> = {}) {
  const tenantId = tenantIdOf(`tenant-of-${externalId}`);
  const accountId = accountIdOf(tenantId, channelType, externalId);
  return { tenantId, accountId, externalId, scheme, secret, settings: {}, ...rest };
}

/** Two workspaces of one app share its secret; the third is another app's. */
const slack: HostilePlatform = {
  channelType: "slack",
  paths: ["/webhooks/slack"],
  accounts: [
    accountOf("slack", "T01ABCD2EFG", "slack-v0", "hostile-slack-secret-1"),
    accountOf("slack", "T02SHARING2", "slack-v0", "hostile-slack-secret-1"),
    accountOf("slack", "T03ANOTHER3", "slack-v0", "hostile-slack-secret-2"),
  ],
  samples: v
    .parse(
      v.array(v.object({ name: v.string(), contentType: v.string(), body: v.string() })),
      readJson(join(fixturesOf("slack"), "webhooks.json")),
    )
    .concat({
      name: "url_verification",
      contentType: "application/json",
      body: JSON.stringify({
        token: "t",
        challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
        type: "url_verification",
      }),
    }),
  signed: ({ secret }, body, atSeconds) => [
    ["x-slack-request-timestamp", String(atSeconds)],
    ["x-slack-signature", `v0=${hmac(secret, `v0:${atSeconds}:`, body).toString("hex")}`],
  ],
  proves: ({ secret }, headers, body, nowMs) => {
    const timestamp = headers.get("x-slack-request-timestamp") ?? undefined;
    const expected = `v0=${hmac(secret, `v0:${timestamp}:`, body).toString("hex")}`;
    return within(timestamp, nowMs) && headers.get("x-slack-signature") === expected;
  },
  unsignedHandshake: (headers, body) =>
    /^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "") &&
    new URLSearchParams(Buffer.from(body).toString("utf8")).get("ssl_check") === "1",
};

const telegramSecret = "X-Telegram-Bot-Api-Secret-Token";

const telegram: HostilePlatform = {
  channelType: "telegram",
  paths: ["/webhooks/telegram"],
  accounts: [
    accountOf("telegram", "999", "telegram-secret-token", "hostile_telegram_secret_1"),
    accountOf("telegram", "998", "telegram-secret-token", "hostile_telegram_secret_2"),
  ],
  samples: readdirSync(fixturesOf("telegram"))
    .filter((name) => name !== "signature-vectors.json")
    .map((name) => {
      const { update } = v.parse(v.object({ update: v.unknown() }), readJson(join(fixturesOf("telegram"), name)));
      return { name, contentType: "application/json", body: JSON.stringify(update) };
    }),
  signed: ({ secret }) => [[telegramSecret, secret]],
  proves: ({ secret }, headers) => headers.get(telegramSecret) === secret,
  unsignedHandshake: () => false,
};

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const rsaPublic = rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64");
const rsaPrivate = rsa.privateKey.export({ type: "pkcs8", format: "der" }).toString("base64");

/** One account for each scheme. */
const zohoCliq: HostilePlatform = {
  channelType: "zoho_cliq",
  paths: ["/webhooks/zoho-cliq", "/cliq", "/webhooks/cliq"],
  accounts: [
    accountOf("zoho_cliq", "999999999", "cliq-relay-hmac-sha256", "hostile-cliq-secret-1"),
    accountOf("zoho_cliq", "888888888", "cliq-relay-hmac-sha256-timestamped", "hostile-cliq-secret-2"),
    accountOf("zoho_cliq", "777777777", "cliq-shared-secret", "hostile-cliq-secret-3"),
    accountOf("zoho_cliq", "666666666", "cliq-rsa-sha256", rsaPublic, { privateKey: rsaPrivate }),
  ],
  samples: v
    .parse(v.array(v.object({ name: v.string(), payload: v.unknown() })), readJson(join(fixturesOf("zoho-cliq"), "events.json")))
    .map(({ name, payload }) => ({ name, contentType: "application/json", body: JSON.stringify(payload) })),
  signed: ({ scheme, secret, privateKey = "" }, body, atSeconds) => {
    switch (scheme) {
      case "cliq-relay-hmac-sha256":
        return [["x-webhook-signature", `sha256=${hmac(secret, body).toString("hex")}`]];
      case "cliq-relay-hmac-sha256-timestamped":
        return [
          ["x-webhook-timestamp", String(atSeconds)],
          ["x-webhook-signature", `sha256=${hmac(secret, `${atSeconds}.`, body).toString("base64")}`],
        ];
      case "cliq-shared-secret":
        return [["x-cliq-webhook-secret", secret]];
      default: {
        const key = createPrivateKey({ key: Buffer.from(privateKey, "base64"), type: "pkcs8", format: "der" });
        return [["x-cliq-signature", sign("sha256", body, key).toString("base64")]];
      }
    }
  },
  proves: ({ scheme, secret }, headers, body, nowMs) => {
    const given = (headers.get("x-webhook-signature") ?? "").replace(/^sha256=/, "");
    const fits = (digest: Buffer) => given === digest.toString("hex") || given === digest.toString("base64");
    switch (scheme) {
      case "cliq-relay-hmac-sha256":
        return fits(hmac(secret, body));
      case "cliq-relay-hmac-sha256-timestamped": {
        const timestamp = headers.get("x-webhook-timestamp") ?? undefined;
        return within(timestamp, nowMs) && fits(hmac(secret, `${timestamp}.`, body));
      }
      case "cliq-shared-secret":
        return headers.get("x-cliq-webhook-secret") === secret;
      default: {
        const key = createPublicKey({ key: Buffer.from(secret, "base64"), type: "spki", format: "der" });
        return verify("sha256", body, key, Buffer.from(headers.get("x-cliq-signature") ?? "", "base64"));
      }
    }
  },
  unsignedHandshake: () => false,
};

const testEvent = (more: Record<string, unknown>) => ({
  conversation: "general",
  id: "m1",
  user: "ann",
  kind: "message",
  text: "hello",
  at_ms: 1_700_000_000_000,
  ...more,
});

const test: HostilePlatform = {
  channelType: "test",
  paths: ["/webhooks/test"],
  accounts: [
    accountOf("test", "hostile-1", "hmac-sha256-timestamped", "hostile-test-secret-1"),
    accountOf("test", "hostile-2", "hmac-sha256-timestamped", "hostile-test-secret-2"),
  ],
  samples: [
    [testEvent({})],
    [testEvent({}), testEvent({ conversation: "random", id: "m2" })],
    [testEvent({ kind: "edit", version: 2 })],
    [testEvent({ kind: "delete" })],
    [
      testEvent({
        reply_to: "m0",
        thread: "m0",
        file: { url: "https://files.example/1", name: "a", mime: "text/plain", bytes: 1 },
      }),
    ],
    [testEvent({ bot: true })],
  ].map((events, index) => ({
    name: `events-${index}`,
    contentType: "application/json",
    body: JSON.stringify({ workspace: "hostile-1", events }),
  })),
  signed: ({ secret }, body, atSeconds) => [
    ["x-test-signature", `t=${atSeconds},v1=${hmac(secret, `${atSeconds}.`, body).toString("hex")}`],
  ],
  proves: ({ secret }, headers, body, nowMs) => {
    const given = headers.get("x-test-signature") ?? "";
    const timestamp = given.slice(2).split(",")[0];
    return within(timestamp, nowMs) && given === `t=${timestamp},v1=${hmac(secret, `${timestamp}.`, body).toString("hex")}`;
  },
  unsignedHandshake: () => false,
};

export const hostilePlatforms: readonly HostilePlatform[] = [slack, telegram, zohoCliq, test];
