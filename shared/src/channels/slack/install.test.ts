// What Slack's answers to an exchange mean.
import { expect, it } from "vitest";
import type { OAuthApp } from "../contract/install.ts";
import type { SendFetch } from "../contract/outbound.ts";
import { slackInstall } from "./install.ts";

const app: OAuthApp = { clientId: "1.2", clientSecret: "s:3", scopes: [], settings: {} };
const bot = { ok: true, access_token: "xoxb-1", token_type: "bot", bot_user_id: "U0BOT", app_id: "A1" };
const team = { id: "T01", name: "Acme" };

async function exchange(body: unknown, status = 200) {
  const calls: Parameters<SendFetch>[] = [];
  const fetch: SendFetch = async (...call) => {
    calls.push(call);
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
  };
  const grant = { code: "c&d", redirectUri: "https://edge/x?y=1", parameters: {} };
  return { calls, result: await slackInstall.exchange(app, grant, fetch) };
}

it("sends the person to Slack with what we ask for, and the code to Slack alone", async () => {
  const url = new URL(slackInstall.authorizeUrl({ ...app, scopes: ["chat:write", "commands"] }, "st&te", "https://edge/x?y=1"));
  expect(url.origin + url.pathname).toBe("https://slack.com/oauth/v2/authorize");
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: "1.2",
    scope: "chat:write,commands",
    redirect_uri: "https://edge/x?y=1",
    state: "st&te",
  });
  const { calls } = await exchange({ ...bot, team });
  expect(calls).toEqual([
    [
      "https://slack.com/api/oauth.v2.access",
      {
        method: "POST",
        headers: { authorization: `Basic ${btoa("1.2:s:3")}`, "content-type": "application/x-www-form-urlencoded" },
        body: "code=c%26d&redirect_uri=https%3A%2F%2Fedge%2Fx%3Fy%3D1",
      },
    ],
  ]);
});

it("takes a workspace, a whole organisation, and a token that ends", async () => {
  const settings = { bot_user_id: "U0BOT", app_id: "A1" };
  const connected = { kind: "connected", externalId: "T01", displayName: "Acme", credential: "xoxb-1", settings };
  expect((await exchange({ ...bot, team, enterprise: null })).result).toEqual(connected);
  expect((await exchange({ ...bot, team: null, enterprise: { id: "E01", name: null } })).result).toEqual({
    ...connected,
    externalId: "E01",
    displayName: "",
  });
  expect((await exchange({ ...bot, team, expires_in: 43_200, refresh_token: "xoxe-1" })).result).toEqual({
    ...connected,
    expiresInSeconds: 43_200,
    refreshToken: "xoxe-1",
  });
});

it.each([
  [{ ok: false, error: "invalid_code" }, 200, "invalid_code"],
  [{ ok: false, error: "bad_redirect_uri" }, 200, "bad_redirect_uri"],
  [{ ok: false, error: "<b>not a word</b>" }, 200, "http_200"],
])("gives up a code that Slack refuses: %j", async (body, status, code) => {
  expect((await exchange(body, status)).result).toEqual({ kind: "rejected", code });
});

it.each([
  [{ ok: false, error: "ratelimited" }, 429, "rate_limited"],
  [{ ok: false, error: "service_unavailable" }, 503, "unavailable"],
  [{ ok: false, error: "internal_error" }, 200, "unknown"],
  ["<html>", 502, "unknown"],
  ["<html>", 200, "unknown"],
  [{ ...bot, token_type: "user", team }, 200, "unknown"],
  [{ ...bot, team: null, enterprise: null }, 200, "unknown"],
])("says that a code may be tried again: %j, %d", async (body, status, kind) => {
  await expect(exchange(body, status)).rejects.toMatchObject({ name: "DeliveryError", kind });
});
