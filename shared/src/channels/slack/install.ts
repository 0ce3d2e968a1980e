// Slack's OAuth v2: the person agrees at Slack, and the code that comes back is exchanged for the workspace's bot token.
import * as v from "valibot";
import type { Exchanged, InstallDoor, OAuthApp, OAuthGrant } from "../contract/install.ts";
import type { SendFetch } from "../contract/outbound.ts";
import { jsonOfAnswer } from "../kit/answer.ts";
import { slackChannel } from "./channel.ts";
import { deliveryErrorOf } from "./out/errors.ts";

const authorizeUrlOfPlatform = "https://slack.com/oauth/v2/authorize";
const apiUrlOfPlatform = "https://slack.com/api";

/** What the doors need: reading conversations, answering, files, reactions, names, and slash commands. */
const usualScopes =
  "app_mentions:read channels:history groups:history im:history mpim:history chat:write chat:write.public files:read files:write reactions:read reactions:write users:read commands";

const place = v.object({ id: v.pipe(v.string(), v.minLength(1)), name: v.optional(v.nullable(v.string()), null) });
const granted = v.object({
  ok: v.literal(true),
  access_token: v.pipe(v.string(), v.minLength(1)),
  token_type: v.literal("bot"),
  bot_user_id: v.string(),
  app_id: v.string(),
  team: v.optional(v.nullable(place), null),
  enterprise: v.optional(v.nullable(place), null),
  expires_in: v.optional(v.number()),
  refresh_token: v.optional(v.string()),
});
const refused = v.object({ ok: v.literal(false), error: v.string() });

/** Settings of the app: `authorize_url` and `api_base_url` take the platform's place. */
export const slackInstall: InstallDoor = { channel: slackChannel, authorizeUrl, exchange };

function authorizeUrl(app: OAuthApp, state: string, redirectUri: string): string {
  const url = new URL(app.settings.authorize_url || authorizeUrlOfPlatform);
  const scopes = app.scopes.length > 0 ? app.scopes : usualScopes.split(" ");
  url.search = String(
    new URLSearchParams({ client_id: app.clientId, scope: scopes.join(","), redirect_uri: redirectUri, state }),
  );
  return url.href;
}

async function exchange(app: OAuthApp, { code, redirectUri }: OAuthGrant, fetch: SendFetch): Promise<Exchanged> {
  const method = "oauth.v2.access";
  const baseUrl = app.settings.api_base_url;
  const response = await fetch(`${(baseUrl || apiUrlOfPlatform).replace(/\/+$/, "")}/${method}`, {
    method: "POST",
    headers: {
      // In the header, as Slack asks for, and so in no log of bodies.
      authorization: `Basic ${btoa(`${app.clientId}:${app.clientSecret}`)}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: String(new URLSearchParams({ code, redirect_uri: redirectUri })),
  });
  const answer = await jsonOfAnswer(response);
  const given = v.safeParse(granted, answer);
  // A workspace's id, or an organisation's when the app was installed on all of it.
  const workspace = given.success ? (given.output.team ?? given.output.enterprise) : null;
  if (response.ok && given.success && workspace) {
    const { access_token: credential, bot_user_id, app_id, expires_in, refresh_token } = given.output;
    return {
      kind: "connected",
      externalId: workspace.id,
      displayName: workspace.name ?? "",
      credential,
      ...(expires_in === undefined ? {} : { expiresInSeconds: expires_in }),
      ...(refresh_token === undefined ? {} : { refreshToken: refresh_token }),
      settings: { bot_user_id, app_id, ...(baseUrl ? { api_base_url: baseUrl } : {}) },
    };
  }
  const no = v.safeParse(refused, answer);
  const error = no.success ? no.output.error : undefined;
  const failed = deliveryErrorOf(method, { status: response.status, retryAfter: response.headers.get("retry-after"), error });
  if (failed.kind !== "rejected") throw failed;
  return { kind: "rejected", code: failed.code };
}
