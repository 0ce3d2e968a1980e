// The test platform as an attacker meets it.
import type { Forger } from "../conformance/forger.ts";
import { forgedAccount, hmacSha256, isFresh } from "../conformance/forging.ts";

const header = "x-test-signature";

export const testForger: Forger = {
  channelType: "test",
  paths: ["/webhooks/test"],
  accounts: [
    forgedAccount("test", "W1", "hmac-sha256-timestamped", "hostile-test-secret-1"),
    forgedAccount("test", "W2", "hmac-sha256-timestamped", "hostile-test-secret-2"),
  ],
  ours: { conversationExternalId: "general", messageExternalId: "m1" },
  proofHeaders: [header],
  signed: ({ secret }, body, atSeconds) => [[header, proofOf(secret, String(atSeconds), body)]],
  proves: ({ secret }, headers, body, nowMs) => {
    const given = headers.get(header) ?? "";
    const seconds = given.slice(2).split(",")[0];
    return isFresh(seconds, nowMs) && given === proofOf(secret, seconds, body);
  },
};

function proofOf(secret: string, seconds: string | undefined, body: Uint8Array): string {
  return `t=${seconds},v1=${hmacSha256(secret, `${seconds}.`, body).toString("hex")}`;
}
