// Zoho's consent page and token endpoint. For an app that was installed by the control API the client id is the app's id, the client secret
// its webhook secret, and both the refresh token and the authorisation code are its credential. Errors come with HTTP 200, as Zoho's do.

import type { SimulatorHost } from "../../contract/simulator.ts";
import type { ApiAnswer } from "../../simulator/api-call.ts";
import { consentPage, decisionOf, redirectTo } from "../../simulator/consent.ts";
import { randomText } from "../../simulator/names.ts";
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { App, DeveloperApp } from "../../simulator/state/state.ts";
import type { World } from "../../simulator/state/world.ts";
import { installedApp } from "./install.ts";

const tokenLifeMs = 3_600_000;
/** Token calls of one refresh token in ten minutes (observed, not published). */
const tokenCallsMax = 10;
const throttleWindowMs = 600_000;

export class Tokens {
  readonly #host: SimulatorHost;
  readonly #world: World;
  readonly #consents: SimulatorKit["consents"];
  readonly #issued = new Map<string, { appId: string; expiresAtMs: number }>();
  readonly #calls = new Map<string, number[]>();

  constructor({ host, world, consents }: SimulatorKit) {
    this.#host = host;
    this.#world = world;
    this.#consents = consents;
  }

  /** Whose token it is. The credential of an installation works for ever, so that local play needs no refresh. */
  appOf(authorization: string): App | undefined {
    const token = /^(?:Zoho-oauthtoken|Bearer) (\S+)$/.exec(authorization)?.[1];
    if (token === undefined) return undefined;
    const issued = this.#issued.get(token);
    if (!issued) return this.#world.apps().find((app) => app.account.credential === token);
    return this.#host.clock.nowMs() < issued.expiresAtMs ? this.#world.app(issued.appId) : undefined;
  }

  answer(form: URLSearchParams): ApiAnswer {
    const developed = this.#world.developerApp(form.get("client_id") ?? "");
    return { response: developed ? this.#answerDeveloped(developed, form) : this.#answerInstalled(form) };
  }

  /** An app whose workspaces came by consent. */
  #answerDeveloped(developed: DeveloperApp, form: URLSearchParams): Response {
    if (form.get("client_secret") !== developed.clientSecret) return Response.json({ error: "invalid_client_secret" });
    if (form.get("grant_type") === "refresh_token") {
      const app = this.#world
        .apps()
        .find(({ id, account }) => id.startsWith(`${developed.appId}-`) && account.credential === form.get("refresh_token"));
      return app ? this.#issue(app, {}) : Response.json({ error: "invalid_code" });
    }
    if (form.get("grant_type") !== "authorization_code") return Response.json({ error: "unsupported_grant_type" });
    const taken = this.#consents.take(form.get("code") ?? "", developed.clientId, form.get("redirect_uri") ?? "");
    if (taken.kind === "refused")
      return Response.json({ error: taken.reason === "other_redirect" ? "invalid_redirect_uri" : "invalid_code" });
    const { account } = installedApp(taken.workspace, this.#host);
    const before = this.#world.app(`${developed.appId}-${account.externalId}`);
    const app: App = before ?? {
      id: `${developed.appId}-${account.externalId}`,
      name: `${developed.name}@${taken.workspace}`,
      webhookUrl: developed.webhookUrl,
      account,
    };
    this.#world.putApp(app);
    return this.#issue(app, { refresh_token: app.account.credential });
  }

  #answerInstalled(form: URLSearchParams): Response {
    const grant = form.get("grant_type");
    const app = this.#world.app(form.get("client_id") ?? "");
    if (!app) return Response.json({ error: "invalid_client" });
    if (form.get("client_secret") !== app.account.secrets[0]?.value) return Response.json({ error: "invalid_client_secret" });
    const given =
      grant === "refresh_token" ? form.get("refresh_token") : grant === "authorization_code" ? form.get("code") : null;
    if (grant !== "client_credentials" && given === null) return Response.json({ error: "unsupported_grant_type" });
    if (given !== null && given !== app.account.credential) return Response.json({ error: "invalid_code" });
    return this.#issue(app, grant === "authorization_code" ? { refresh_token: app.account.credential } : {});
  }

  #issue(app: App, refresh: { refresh_token?: string }): Response {
    if (!this.#counted(app.id)) {
      const error_description = "You have made too many requests continuously. Please try again after some time.";
      return Response.json({ error: "Access Denied", error_description, status: "failure" }, { status: 400 });
    }
    const accessToken = `1000.${randomText(this.#host.random, 32)}.${randomText(this.#host.random, 32)}`;
    this.#issued.set(accessToken, { appId: app.id, expiresAtMs: this.#host.clock.nowMs() + tokenLifeMs });
    return Response.json({
      access_token: accessToken,
      ...refresh,
      api_domain: this.#host.baseUrl,
      token_type: "Bearer",
      expires_in: 3600,
    });
  }

  #counted(appId: string): boolean {
    const nowMs = this.#host.clock.monotonicMs();
    const calls = (this.#calls.get(appId) ?? []).filter((atMs) => atMs > nowMs - throttleWindowMs);
    if (calls.length >= tokenCallsMax) return false;
    this.#calls.set(appId, [...calls, nowMs]);
    return true;
  }
}

/** What a developer gets who registers a client. Zoho signs no webhooks with it: each organisation's relay script has a secret of its own. */
export function developerApp(
  _name: string,
  host: SimulatorHost,
): Pick<DeveloperApp, "appId" | "clientId" | "clientSecret" | "secrets"> {
  const clientId = `1000.${randomText(host.random, 30).toUpperCase()}`;
  return { appId: clientId, clientId, clientSecret: randomText(host.random, 42).toLowerCase(), secrets: [] };
}

/** Serves `/oauth/v2/auth`. Whoever agrees is sent back with the data centre of her organisation, which here is this simulator. */
export async function authorize(request: Request, { world, host, consents }: SimulatorKit): Promise<Response> {
  const { searchParams } = new URL(request.url);
  const app = world.developerApp(searchParams.get("client_id") ?? "");
  const redirectUri = searchParams.get("redirect_uri") ?? "";
  const scope = searchParams.get("scope") ?? "";
  if (searchParams.get("response_type") !== "code") return wrong("invalid_response_type");
  if (!app) return wrong("invalid_client");
  if (redirectUri !== app.redirectUri) return wrong("invalid_redirect_uri");
  if (!/^[A-Za-z]+\.[A-Za-z.]+(,[A-Za-z]+\.[A-Za-z.]+)*$/.test(scope)) return wrong("invalid_scope");
  if (request.method === "GET") return consentPage(app, scope);
  if (request.method !== "POST") return wrong("invalid_method");
  const decision = await decisionOf(request);
  const state = searchParams.get("state");
  const echo = state === null ? {} : { state };
  if (decision.kind === "denied") return redirectTo(redirectUri, { ...echo, error: "access_denied" });
  const code = consents.grant(app, redirectUri, decision.workspace);
  return redirectTo(redirectUri, { ...echo, code, location: "us", "accounts-server": host.baseUrl });
}

/** `GET /api/v2/users/me`: who agreed. */
export function currentUser({ app }: { app: App }): ApiAnswer {
  const { externalId, displayName, settings } = app.account;
  const data = {
    id: settings.self_ids,
    name: `owner of ${displayName}`,
    organization_id: externalId,
    organization_name: displayName,
  };
  return { response: Response.json({ url: "/api/v2/users/me", type: "user", data }) };
}

function wrong(error: string): Response {
  return new Response(`ERROR: ${error}\n`, { status: 400 });
}
