// OAuth as every platform has it: developers register an app, a person agrees for a workspace, and the code of that is good once, for ten
// minutes, for this client and this redirect address. What a platform calls things, and how it refuses, is its own.
import type { SimulatorHost } from "../contract/simulator.ts";
import { randomText } from "./names.ts";
import type { DeveloperApp } from "./state/state.ts";

/** Both Slack's codes and ours; Zoho's live for less. */
const codeLifeMs = 600_000;

export type Taken =
  | { kind: "granted"; workspace: string }
  | { kind: "refused"; reason: "unknown" | "used" | "expired" | "other_client" | "other_redirect" };

interface Grant {
  clientId: string;
  redirectUri: string;
  workspace: string;
  expiresAtMs: number;
  used: boolean;
}

/** Codes that were given out; a restart forgets them. */
export class Consents {
  readonly #host: SimulatorHost;
  readonly #grants = new Map<string, Grant>();

  constructor(host: SimulatorHost) {
    this.#host = host;
  }

  /** The code of somebody's consent. */
  grant(app: DeveloperApp, redirectUri: string, workspace: string): string {
    const code = `${randomText(this.#host.random, 12)}.${randomText(this.#host.random, 40)}`;
    const expiresAtMs = this.#host.clock.nowMs() + codeLifeMs;
    this.#grants.set(code, { clientId: app.clientId, redirectUri, workspace, expiresAtMs, used: false });
    return code;
  }

  /** Uses a code up. A code that is refused for its client or address is not used up. */
  take(code: string, clientId: string, redirectUri: string): Taken {
    const grant = this.#grants.get(code);
    if (!grant) return { kind: "refused", reason: "unknown" };
    if (grant.used) return { kind: "refused", reason: "used" };
    if (this.#host.clock.nowMs() >= grant.expiresAtMs) return { kind: "refused", reason: "expired" };
    if (grant.clientId !== clientId) return { kind: "refused", reason: "other_client" };
    if (grant.redirectUri !== redirectUri) return { kind: "refused", reason: "other_redirect" };
    grant.used = true;
    return { kind: "granted", workspace: grant.workspace };
  }
}

/** Where a person agrees: a form that posts `workspace` and `decision` (`allow` or `deny`) to its own address. */
export function consentPage(app: DeveloperApp, scopes: string): Response {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(app.name)}</title>
<h1>${escaped(app.name)} asks for access</h1><p>It wants: ${escaped(scopes)}</p>
<form method="post"><label>Workspace <input name="workspace" value="acme" required></label>
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny" formnovalidate>Cancel</button></form></html>`;
  return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
}

/** What the person chose on that page. */
export async function decisionOf(request: Request): Promise<{ kind: "denied" } | { kind: "allowed"; workspace: string }> {
  const form = new URLSearchParams(await request.text());
  const workspace = form.get("workspace") ?? "";
  return form.get("decision") === "allow" && workspace !== "" ? { kind: "allowed", workspace } : { kind: "denied" };
}

/** Sends the person back; a query that the address has stays. */
export function redirectTo(redirectUri: string, parameters: Readonly<Record<string, string>>): Response {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return new Response(null, { status: 302, headers: { location: url.href } });
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
