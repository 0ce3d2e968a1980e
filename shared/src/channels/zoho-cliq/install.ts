// Zoho's OAuth for Cliq: the person agrees at the accounts server, which sends her on to the data centre of her organisation; that one, out
// of a fixed list, gives the tokens and says who she is. What the redirect names chooses from the list and is never called by itself.
import * as v from "valibot";
import type { Exchanged, InstallDoor, OAuthApp, OAuthGrant } from "../contract/install.ts";
import type { SendFetch } from "../contract/outbound.ts";
import { jsonOfAnswer } from "../kit/answer.ts";
import { zohoCliqChannel } from "./channel.ts";
import { deliveryErrorOf } from "./out/errors.ts";

/** Accounts server to API, of each data centre (zoho.com/accounts/protocol/oauth/multi-dc.html). */
const dataCentres: ReadonlyMap<string, string> = new Map([
  ["https://accounts.zoho.com", "https://cliq.zoho.com"],
  ["https://accounts.zoho.eu", "https://cliq.zoho.eu"],
  ["https://accounts.zoho.in", "https://cliq.zoho.in"],
  ["https://accounts.zoho.com.au", "https://cliq.zoho.com.au"],
  ["https://accounts.zoho.com.cn", "https://cliq.zoho.com.cn"],
  ["https://accounts.zoho.jp", "https://cliq.zoho.jp"],
  ["https://accounts.zoho.sa", "https://cliq.zoho.sa"],
  ["https://accounts.zoho.uk", "https://cliq.zoho.uk"],
  ["https://accounts.zohocloud.ca", "https://cliq.zohocloud.ca"],
]);
const firstCentre = "https://accounts.zoho.com";

/** What the doors need, and reading users to learn the organisation. */
const usualScopes = [
  "Webhooks.CREATE",
  "Channels.UPDATE",
  "Messages.UPDATE",
  "Messages.READ",
  "Attachments.READ",
  "Users.READ",
].map((scope) => `ZohoCliq.${scope}`);

const token = v.pipe(v.string(), v.minLength(1));
const granted = v.object({
  access_token: token,
  refresh_token: v.optional(token),
  expires_in: v.optional(v.number()),
});
const refusedBody = v.object({ error: v.string() });
const idText = v.pipe(
  v.union([v.pipe(v.string(), v.minLength(1)), v.pipe(v.number(), v.safeInteger())]),
  v.transform((id) => String(id)),
);
const userBody = v.object({
  data: v.object({ id: idText, organization_id: idText, organization_name: v.optional(v.string(), "") }),
});

/**
 * Settings of the app: `accounts_url` is the data centre in which it is registered, the United States' when left out. With one that is not
 * Zoho's (a simulator), `api_base_url` stands for the API, and neither is left for another.
 */
export const zohoCliqInstall: InstallDoor = { channel: zohoCliqChannel, authorizeUrl, exchange };

function authorizeUrl(app: OAuthApp, state: string, redirectUri: string): string {
  const url = new URL("/oauth/v2/auth", app.settings.accounts_url || firstCentre);
  url.search = String(
    new URLSearchParams({
      response_type: "code",
      client_id: app.clientId,
      scope: (app.scopes.length > 0 ? app.scopes : usualScopes).join(","),
      redirect_uri: redirectUri,
      // For a refresh token, also when the same person agreed before.
      access_type: "offline",
      prompt: "consent",
      state,
    }),
  );
  return url.href;
}

async function exchange(app: OAuthApp, grant: OAuthGrant, fetch: SendFetch): Promise<Exchanged> {
  const centre = centreOf(app, grant.parameters["accounts-server"]);
  if (!centre) return { kind: "rejected", code: "unknown_data_centre" };
  const form = {
    grant_type: "authorization_code",
    client_id: app.clientId,
    client_secret: app.clientSecret,
    redirect_uri: grant.redirectUri,
    code: grant.code,
  };
  const answer = await call(fetch, `${centre.accounts}/oauth/v2/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: String(new URLSearchParams(form)),
  });
  const given = v.safeParse(granted, answer.json);
  if (!answer.ok || !given.success) return rejected(answer);
  const { access_token: credential, refresh_token, expires_in } = given.output;
  const headers = { authorization: `Zoho-oauthtoken ${credential}` };
  const asked = await call(fetch, `${centre.api}/api/v2/users/me`, { method: "GET", headers });
  const user = v.safeParse(userBody, asked.json);
  if (!asked.ok || !user.success) return rejected(asked);
  const { id, organization_id: externalId, organization_name: displayName } = user.output.data;
  return {
    kind: "connected",
    externalId,
    displayName,
    credential,
    ...(expires_in === undefined ? {} : { expiresInSeconds: expires_in }),
    ...(refresh_token === undefined ? {} : { refreshToken: refresh_token }),
    // Posts go out as the person who agreed, and come back unmarked: what she writes must not be answered.
    settings: { api_base_url: centre.api, self_ids: id },
  };
}

function centreOf(app: OAuthApp, named: string | undefined): { accounts: string; api: string } | undefined {
  const registered = app.settings.accounts_url?.replace(/\/+$/, "") || firstCentre;
  if (!dataCentres.has(registered)) return { accounts: registered, api: app.settings.api_base_url ?? registered };
  const accounts = named?.replace(/\/+$/, "") || registered;
  const api = dataCentres.get(accounts);
  return api === undefined ? undefined : { accounts, api };
}

interface Answered {
  ok: boolean;
  status: number;
  json: unknown;
}

async function call(fetch: SendFetch, url: string, init: Parameters<SendFetch>[1]): Promise<Answered> {
  const response = await fetch(url, init);
  const { ok, status } = response;
  return { ok, status, json: await jsonOfAnswer(response) };
}

/** Zoho says no with HTTP 200 and an `error`; too many calls are "Access Denied" with 400. */
function rejected({ status, json }: Answered): Exchanged {
  const body = v.safeParse(refusedBody, json);
  const code = body.success ? body.output.error : "";
  const tooMany = code === "Access Denied";
  const error = deliveryErrorOf({ status: tooMany ? 429 : status, code, message: "", retryAfterMs: undefined }, "connect");
  if (error.kind !== "rejected") throw error;
  return { kind: "rejected", code: error.code };
}
