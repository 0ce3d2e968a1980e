// Webhooks as a platform sends them, signed beforehand and ready to be written to a socket: signing is the platform's cost, not the edge's.
import { createHmac } from "node:crypto";

export const signingSecret = "bench-signing-secret";
export const conversations = 500;
export const webhookBytes = webhookBody(0).length;

/** So many distinct messages; then the first comes again. The edge remembers none, so a repeat costs it what a new one does. */
const ringSize = 8_192;

/** Whole HTTP requests. Their signatures are good for five minutes. */
export function webhookRing(port: number, path: string): Buffer[] {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  return Array.from({ length: ringSize }, (_, index) => {
    const body = webhookBody(index);
    const signature = createHmac("sha256", signingSecret).update(`v0:${timestamp}:${body}`).digest("hex");
    return Buffer.from(
      [
        `POST ${path} HTTP/1.1`,
        `host: 127.0.0.1:${port}`,
        "user-agent: Slackbot 1.0 (+https://api.slack.com/robots)",
        "accept: */*",
        "content-type: application/json",
        `content-length: ${body.length}`,
        `x-slack-request-timestamp: ${timestamp}`,
        `x-slack-signature: v0=${signature}`,
        "",
        body,
      ].join("\r\n"),
    );
  });
}

function webhookBody(index: number): string {
  const ts = `${1_700_000_000 + Math.floor(index / 1_000)}.${String(index % 1_000).padStart(6, "0")}`;
  const event = {
    type: "message",
    user: "U01SENDER001",
    text: `message ${index}`,
    ts,
    channel: `C${index % conversations}`,
    event_ts: ts,
    channel_type: "channel",
  };
  return JSON.stringify({
    team_id: "T01",
    api_app_id: "A01",
    event,
    type: "event_callback",
    event_id: `Ev${index}`,
    event_time: 1_700_000_000,
  });
}
