// Slack as an attacker meets it. Two workspaces of one app share its secret; the third is another app's.
import type { Forger } from "../conformance/forger.ts";
import { forgedAccount, hmacSha256, isFresh } from "../conformance/forging.ts";

const time = "x-slack-request-timestamp";
const signature = "x-slack-signature";

export const slackForger: Forger = {
  channelType: "slack",
  paths: ["/webhooks/slack"],
  accounts: [
    forgedAccount("slack", "T01ABCD2EFG", "slack-v0", "hostile-slack-secret-1"),
    forgedAccount("slack", "T02SHARING2", "slack-v0", "hostile-slack-secret-1"),
    forgedAccount("slack", "T03ANOTHER3", "slack-v0", "hostile-slack-secret-2"),
  ],
  ours: { conversationExternalId: "C1", messageExternalId: "1700000000.000100" },
  proofHeaders: [signature, time],
  signed: ({ secret }, body, atSeconds) => [
    [time, String(atSeconds)],
    [signature, signatureOf(secret, String(atSeconds), body)],
  ],
  proves: ({ secret }, headers, body, nowMs) => {
    const given = headers.get(time) ?? undefined;
    return isFresh(given, nowMs) && headers.get(signature) === signatureOf(secret, given, body);
  },
  unsignedHandshake: (headers, body) =>
    /^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "") &&
    new URLSearchParams(Buffer.from(body).toString("utf8")).get("ssl_check") === "1",
};

function signatureOf(secret: string, seconds: string | undefined, body: Uint8Array): string {
  return `v0=${hmacSha256(secret, `v0:${seconds}:`, body).toString("hex")}`;
}
