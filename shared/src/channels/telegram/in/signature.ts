// Telegram signs nothing: it repeats a secret, chosen at setWebhook, in one header. All that can be checked is that the
// header is there exactly once and equals a secret of ours; nothing about time, so repeats are dedup's business.
import { equalInConstantTime } from "../../../hmac.ts";
import type { VerificationSecret } from "../../contract/account.ts";
import type { Verified, WebhookHeaders } from "../../contract/inbound.ts";

const secretTokenScheme = "telegram-secret-token";
const utf8 = new TextEncoder();
const header = "X-Telegram-Bot-Api-Secret-Token";

/** 1-256 characters, as the documentation of setWebhook says. A repeated header arrives joined with ", " and so never fits. */
const secretPattern = /^[A-Za-z0-9_-]{1,256}$/;

/** Compares the header with every live secret, in time that depends on lengths only. A secret that Telegram could not have is skipped. */
export function verifySecretToken(headers: WebhookHeaders, secrets: readonly VerificationSecret[]): Verified {
  const given = headers.get(header);
  if (given === null) return { kind: "refused", reason: "secret_token_missing" };
  if (!secretPattern.test(given)) return { kind: "refused", reason: "secret_token_malformed" };
  let equal = false;
  for (const secret of secrets) {
    if (secret.scheme !== secretTokenScheme || !secretPattern.test(secret.value)) continue;
    if (equalInConstantTime(utf8.encode(secret.value), utf8.encode(given))) equal = true;
  }
  return equal ? { kind: "verified" } : { kind: "refused", reason: "secret_token_wrong" };
}
