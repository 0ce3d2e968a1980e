// Slack's OAuth v2: the page where somebody adds an app to a workspace, and `oauth.v2.access`. Adding it makes the workspace; its events
// are signed with the app's one signing secret and go to the app's one address.

import type { SimulatorHost } from "../../contract/simulator.ts";
import type { ApiAnswer } from "../../simulator/api-call.ts";
import { consentPage, decisionOf, redirectTo } from "../../simulator/consent.ts";
import { idOfName, randomText } from "../../simulator/names.ts";
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { App, DeveloperApp } from "../../simulator/state/state.ts";
import type { Arguments } from "./arguments.ts";
import { hex, installedApp } from "./ids.ts";

/** What a developer gets who makes an app. */
export function developerApp(
  name: string,
  host: SimulatorHost,
): Pick<DeveloperApp, "appId" | "clientId" | "clientSecret" | "secrets"> {
  const digits = (length: number) => Array.from(host.random.bytes(length), (byte) => byte % 10).join("");
  return {
    appId: idOfName("A", `developed ${name}`, 9),
    clientId: `${digits(12)}.${digits(13)}`,
    clientSecret: hex(host.random.bytes(16)),
    secrets: [{ scheme: "slack-v0", value: hex(host.random.bytes(16)) }],
  };
}

/** Serves `/oauth/v2/authorize`. Without a client and an address of its own nobody is sent anywhere. */
export async function authorize(request: Request, kit: SimulatorKit): Promise<Response> {
  const { searchParams } = new URL(request.url);
  const app = kit.world.developerApp(searchParams.get("client_id") ?? "");
  const redirectUri = searchParams.get("redirect_uri") ?? "";
  const scope = searchParams.get("scope") ?? "";
  const state = searchParams.get("state");
  if (!app) return wrong("invalid_client_id");
  if (redirectUri !== app.redirectUri) return wrong("bad_redirect_uri");
  if (scope === "") return wrong("invalid_scope");
  if (request.method === "GET") return consentPage(app, scope);
  if (request.method !== "POST") return wrong("method_not_allowed");
  const decision = await decisionOf(request);
  const echo = { state: state ?? "" };
  if (decision.kind === "denied") return redirectTo(redirectUri, { error: "access_denied", ...echo });
  return redirectTo(redirectUri, { code: kit.consents.grant(app, redirectUri, decision.workspace), ...echo });
}

/** `oauth.v2.access`: the client by Basic auth or among the arguments, the code once. */
export function oauthAccess(args: Arguments, authorization: string | null, kit: SimulatorKit): ApiAnswer {
  const { clientId, clientSecret } = clientOf(args, authorization);
  const app = kit.world.developerApp(clientId);
  if (!app) return refused("invalid_client_id");
  if (clientSecret !== app.clientSecret) return refused("bad_client_secret");
  if (args.grant_type !== undefined && args.grant_type !== "authorization_code") return refused("invalid_grant_type");
  const taken = kit.consents.take(args.code ?? "", clientId, args.redirect_uri ?? app.redirectUri);
  if (taken.kind === "refused") {
    if (taken.reason === "used") return refused("code_already_used");
    return refused(taken.reason === "other_redirect" ? "bad_redirect_uri" : "invalid_code");
  }
  const workspace = addedTo(taken.workspace, app, kit);
  const { externalId, displayName, credential, settings } = workspace.account;
  const body = {
    ok: true,
    app_id: app.appId,
    authed_user: { id: idOfName("U", `installer of ${taken.workspace}`, 9) },
    scope: "chat:write",
    token_type: "bot",
    access_token: credential,
    bot_user_id: settings.bot_user_id,
    team: { id: externalId, name: displayName },
    enterprise: null,
    is_enterprise_install: false,
  };
  return { response: Response.json(body) };
}

/** Adding it once more gives a new token; the old one no longer works. */
function addedTo(workspace: string, { appId, name, secrets, webhookUrl }: DeveloperApp, { world, host }: SimulatorKit): App {
  const { account } = installedApp(workspace, host);
  const credential = `xoxb-${idOfName("", workspace, 11)}-${randomText(host.random, 24)}`;
  const settings = { ...account.settings, app_id: appId };
  const app: App = {
    id: `${appId}-${account.externalId}`,
    name: `${name}@${workspace}`,
    webhookUrl,
    account: { ...account, settings, secrets, credential },
  };
  world.putApp(app);
  return app;
}

function clientOf(args: Arguments, authorization: string | null): { clientId: string; clientSecret: string } {
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization ?? "")?.[1];
  if (basic === undefined) return { clientId: args.client_id ?? "", clientSecret: args.client_secret ?? "" };
  const [clientId = "", clientSecret = ""] = atob(basic).split(":");
  return { clientId, clientSecret };
}

function refused(error: string): ApiAnswer {
  return { response: Response.json({ ok: false, error }), error };
}

function wrong(error: string): Response {
  return new Response(`Something went wrong when authorizing this app: ${error}\n`, { status: 400 });
}
