// Our apps at the platforms, as one JSON text by channel type: what an operator copies from a platform's developer pages. No file here
// knows a channel's name, so neither do the names of variables.
import type { OAuthApp } from "@mio/shared/channels/contract/install.ts";
import * as v from "valibot";

/** An app, and what it brings to every account that is connected by it. */
export interface ConnectedApp extends OAuthApp {
  /** What verifies the webhooks of all workspaces of the app, where the platform signs with the app's secret. */
  verification: readonly { scheme: string; value: string }[];
}

export type OAuthApps = ReadonlyMap<string, ConnectedApp>;

export const oauthAppsExample =
  '{"<channel>": {"client_id": "…", "client_secret": "…", "verification": [{"scheme": "…", "value": "…"}]}}';

const text = v.pipe(v.string(), v.minLength(1));
const schema = v.record(
  v.pipe(v.string(), v.regex(/^[a-z0-9_]+$/)),
  v.strictObject({
    client_id: text,
    client_secret: text,
    scopes: v.optional(v.array(text), []),
    settings: v.optional(v.record(v.string(), v.string()), {}),
    verification: v.optional(v.array(v.strictObject({ scheme: text, value: text })), []),
  }),
);

/** Undefined when the text is not of the form of `oauthAppsExample`. */
export function parseOAuthApps(json: string): OAuthApps | undefined {
  const parsed = v.safeParse(schema, jsonOf(json));
  if (!parsed.success) return undefined;
  return new Map(
    Object.entries(parsed.output).map(([channelType, { client_id: clientId, client_secret: clientSecret, ...rest }]) => [
      channelType,
      { clientId, clientSecret, ...rest },
    ]),
  );
}

function jsonOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
