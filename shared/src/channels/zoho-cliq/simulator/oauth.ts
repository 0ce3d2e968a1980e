// Cliq's token endpoint. For an installed app the client id is the app's id, the client secret its webhook secret, and both the
// refresh token and the authorisation code are its credential. Errors come with HTTP 200, as Zoho's do.

import type { SimulatorHost } from "../../contract.ts";
import { randomText } from "../../simulator/names.ts";
import type { App } from "../../simulator/state.ts";
import type { World } from "../../simulator/world.ts";

const tokenLifeMs = 3_600_000;
/** Token calls of one refresh token in ten minutes (observed, not published). */
const tokenCallsMax = 10;
const throttleWindowMs = 600_000;

export class Tokens {
  readonly #host: SimulatorHost;
  readonly #world: World;
  readonly #issued = new Map<string, { appId: string; expiresAtMs: number }>();
  readonly #calls = new Map<string, number[]>();

  constructor(host: SimulatorHost, world: World) {
    this.#host = host;
    this.#world = world;
  }

  /** Whose token it is. The credential of an installation works for ever, so that local play needs no refresh. */
  appOf(authorization: string): App | undefined {
    const token = /^(?:Zoho-oauthtoken|Bearer) (\S+)$/.exec(authorization)?.[1];
    if (token === undefined) return undefined;
    const issued = this.#issued.get(token);
    if (!issued) return this.#world.apps().find((app) => app.account.credential === token);
    return this.#host.clock.nowMs() < issued.expiresAtMs ? this.#world.app(issued.appId) : undefined;
  }

  answer(form: URLSearchParams): Response {
    const grant = form.get("grant_type");
    const app = this.#world.app(form.get("client_id") ?? "");
    if (!app) return Response.json({ error: "invalid_client" });
    if (form.get("client_secret") !== app.account.secrets[0]?.value) return Response.json({ error: "invalid_client_secret" });
    const given =
      grant === "refresh_token" ? form.get("refresh_token") : grant === "authorization_code" ? form.get("code") : null;
    if (grant !== "client_credentials" && given === null) return Response.json({ error: "unsupported_grant_type" });
    if (given !== null && given !== app.account.credential) return Response.json({ error: "invalid_code" });
    if (!this.#counted(app.id)) {
      const error_description = "You have made too many requests continuously. Please try again after some time.";
      return Response.json({ error: "Access Denied", error_description, status: "failure" }, { status: 400 });
    }
    const accessToken = `1000.${randomText(this.#host.random, 32)}.${randomText(this.#host.random, 32)}`;
    this.#issued.set(accessToken, { appId: app.id, expiresAtMs: this.#host.clock.nowMs() + tokenLifeMs });
    const refresh = grant === "authorization_code" ? { refresh_token: app.account.credential } : {};
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
