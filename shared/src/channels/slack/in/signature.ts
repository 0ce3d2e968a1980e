// Slack's v0 signature: an HMAC over "v0:<timestamp>:<raw body>", in a window of five minutes either way.
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { hmacSha256Fits } from "../../../hmac.ts";
import type { VerificationSecret } from "../../contract/account.ts";
import type { Verified, WebhookRequest } from "../../contract/inbound.ts";
import { isWithinReplayWindow } from "../../kit/replay-window.ts";

const signatureScheme = "slack-v0";

const encoder = new TextEncoder();

/** Checks the raw bytes against each secret of the scheme. A header that is missing, doubled or odd is refused. Never throws. */
export async function verifySignature(
  request: WebhookRequest,
  secrets: readonly VerificationSecret[],
  nowMs: number,
): Promise<Verified> {
  const timestamp = request.headers.get("x-slack-request-timestamp");
  const signature = request.headers.get("x-slack-signature");
  if (timestamp === null || signature === null) return refused("header_missing");
  // Doubled headers arrive joined with ", " and so fit neither pattern.
  if (!/^\d{1,12}$/.test(timestamp)) return refused("timestamp_malformed");
  if (!/^v0=[0-9a-f]{64}$/.test(signature)) return refused("signature_malformed");
  if (!isWithinReplayWindow(timestamp, nowMs)) return refused("timestamp_outside_window");

  const signed = concatBytes(encoder.encode(`v0:${timestamp}:`), request.body);
  const given = hexToBytes(signature.slice(3));
  let fits = false;
  for (const secret of secrets) {
    if (secret.scheme !== signatureScheme) continue;
    // Every secret is tried, so the time does not tell which one fits.
    fits = (await hmacSha256Fits(secret.value, signed, given)) || fits;
  }
  return fits ? { kind: "verified" } : refused("signature_wrong");
}

function refused(reason: string): Verified {
  return { kind: "refused", reason };
}
