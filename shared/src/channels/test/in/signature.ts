// The test platform signs as many do: HMAC-SHA256 over `<t>.<body>`, and the time within the header, so that an old webhook
// cannot be played again. There is no way to switch this off.
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { hmacSha256Fits } from "../../../hmac.ts";
import type { VerificationSecret } from "../../contract/account.ts";
import type { Verified, WebhookRequest } from "../../contract/inbound.ts";
import { isWithinReplayWindow } from "../../kit/replay-window.ts";

const timestampedHmacScheme = "hmac-sha256-timestamped";
const header = "X-Test-Signature";

/** A repeated header arrives joined with ", " and so does not fit the pattern. */
const signaturePattern = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;

export async function verifySignature(
  request: WebhookRequest,
  secrets: readonly VerificationSecret[],
  nowMs: number,
): Promise<Verified> {
  const given = request.headers.get(header);
  if (given === null) return { kind: "refused", reason: "signature_missing" };
  const [, time, hex] = signaturePattern.exec(given) ?? [];
  if (time === undefined || hex === undefined) return { kind: "refused", reason: "signature_malformed" };
  if (!isWithinReplayWindow(time, nowMs)) return { kind: "refused", reason: "signature_stale" };
  const signed = concatBytes(new TextEncoder().encode(`${time}.`), request.body);
  const signature = hexToBytes(hex);
  for (const secret of secrets) {
    if (secret.scheme !== timestampedHmacScheme) continue;
    if (await hmacSha256Fits(secret.value, signed, signature)) return { kind: "verified" };
  }
  return { kind: "refused", reason: "signature_wrong" };
}
