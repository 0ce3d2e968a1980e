// The platform's side of the v0 signature, written from Slack's description and not from our verifier.
import type { App } from "../../simulator/state.ts";
import { hex } from "./ids.ts";

export async function signedHeaders(app: App, body: string, contentType: string, nowMs: number): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const secret = app.account.secrets[0]?.value ?? "";
  const text = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", text.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", key, text.encode(["v0", timestamp, body].join(":")));
  return {
    "content-type": contentType,
    "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": `v0=${hex(new Uint8Array(mac))}`,
  };
}
