// Which addresses the exchange calls: Zoho's own, whatever the redirect says.
import { describe, expect, it } from "vitest";
import type { OAuthApp } from "../contract/install.ts";
import type { SendFetch } from "../contract/outbound.ts";
import { zohoCliqInstall } from "./install.ts";

const app: OAuthApp = { clientId: "1000.A", clientSecret: "s3cret", scopes: [], settings: {} };

/** Zoho's answers by path, and every call. */
function zoho(answers: Record<string, { status?: number; body: unknown }> = {}) {
  const called: { url: string; body: string }[] = [];
  const usual: typeof answers = {
    "/oauth/v2/token": { body: { access_token: "1000.t", refresh_token: "1000.r", expires_in: 3600 } },
    "/api/v2/users/me": { body: { data: { id: 7, organization_id: "55", organization_name: "Zylker" } } },
  };
  const fetch: SendFetch = async (url, { body }) => {
    called.push({ url, body: String(body ?? "") });
    const { status = 200, body: json } = { ...usual, ...answers }[new URL(url).pathname] ?? { status: 404, body: "" };
    return new Response(typeof json === "string" ? json : JSON.stringify(json), { status });
  };
  return { called, fetch };
}

function exchange(accountsServer: string | undefined, { fetch }: ReturnType<typeof zoho>, over: Partial<OAuthApp> = {}) {
  const parameters: Record<string, string> = accountsServer === undefined ? {} : { "accounts-server": accountsServer };
  return zohoCliqInstall.exchange({ ...app, ...over }, { code: "c", redirectUri: "https://edge/x", parameters }, fetch);
}

describe("Zoho's data centres", () => {
  it.each([
    [undefined, "https://accounts.zoho.com", "https://cliq.zoho.com"],
    ["https://accounts.zoho.eu", "https://accounts.zoho.eu", "https://cliq.zoho.eu"],
    ["https://accounts.zoho.com.au/", "https://accounts.zoho.com.au", "https://cliq.zoho.com.au"],
    ["https://accounts.zohocloud.ca", "https://accounts.zohocloud.ca", "https://cliq.zohocloud.ca"],
  ])("%s: asks its accounts server, then its API", async (named, accounts, api) => {
    const platform = zoho();
    expect(await exchange(named, platform)).toEqual({
      kind: "connected",
      externalId: "55",
      displayName: "Zylker",
      credential: "1000.t",
      refreshToken: "1000.r",
      expiresInSeconds: 3600,
      settings: { api_base_url: api, self_ids: "7" },
    });
    expect(platform.called.map(({ url }) => url)).toEqual([`${accounts}/oauth/v2/token`, `${api}/api/v2/users/me`]);
  });

  it.each([
    "http://accounts.zoho.com",
    "https://accounts.zoho.com:8443",
    "https://accounts.zoho.com.evil.example",
    "https://accounts.zoho.com@evil.example",
    "https://evil.example/accounts.zoho.com",
    "https://evil.example#https://accounts.zoho.com",
    "HTTPS://ACCOUNTS.ZOHO.COM",
    "//accounts.zoho.com",
    "https://169.254.169.254",
    "file:///etc/passwd",
    "__proto__",
    "https://accounts.zoho.com\u0000",
    " https://accounts.zoho.com",
  ])("G12: calls nobody, and so tells nobody our secret, for %j", async (named) => {
    const platform = zoho();
    expect(await exchange(named, platform)).toEqual({ kind: "rejected", code: "unknown_data_centre" });
    expect(platform.called).toEqual([]);
  });

  it("stays with what the operator set in the platform's place", async () => {
    const settings = { accounts_url: "http://127.0.0.1:4010", api_base_url: "http://127.0.0.1:4011" };
    const platform = zoho();
    await exchange("https://accounts.zoho.eu", platform, { settings });
    expect(platform.called.map(({ url }) => new URL(url).origin)).toEqual([settings.accounts_url, settings.api_base_url]);
  });
});

it.each([
  [{ body: { error: "invalid_code" } }, "invalid_code"],
  [{ body: { error: "invalid_client_secret" } }, "invalid_client_secret"],
  [{ body: { error: "a person's <b>text</b>, never told" } }, "http_200"],
  [{ body: {} }, "http_200"],
  [{ body: "<html>" }, "http_200"],
])("gives up a code that Zoho refuses: %j", async (answer, code) => {
  expect(await exchange(undefined, zoho({ "/oauth/v2/token": answer }))).toEqual({ kind: "rejected", code });
});

it.each([
  [{ status: 400, body: { error: "Access Denied", error_description: "You have made too many requests" } }, "rate_limited"],
  [{ status: 429, body: {} }, "rate_limited"],
  [{ status: 502, body: "<html>" }, "unknown"],
])("says that a code may be tried again: %j", async (answer, kind) => {
  await expect(exchange(undefined, zoho({ "/oauth/v2/token": answer }))).rejects.toMatchObject({ name: "DeliveryError", kind });
});
