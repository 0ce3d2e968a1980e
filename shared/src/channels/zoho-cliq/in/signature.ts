// Who sent a Cliq webhook: four schemes, each over the raw bytes, compared in constant time. A header that comes twice is
// joined with ", " on its way here, fits no format below, and so fails.
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { equalInConstantTime, hmacSha256Fits } from "../../../hmac.ts";
import type { VerificationSecret } from "../../contract/account.ts";
import type { Verified, WebhookRequest } from "../../contract/inbound.ts";
import { isWithinReplayWindow } from "../../kit/replay-window.ts";

const relaySignatureHeader = "x-webhook-signature";
const relayTimestampHeader = "x-webhook-timestamp";
const sharedSecretHeader = "x-cliq-webhook-secret";
const nativeSignatureHeader = "x-cliq-signature";

const utf8 = new TextEncoder();

type Scheme = (request: WebhookRequest, secret: string, nowMs: number) => Promise<boolean>;

const schemes: Readonly<Record<string, Scheme>> = {
  /** Our relay script signs the body. Its digest may be hex or base64: which one Deluge gives is not documented. */
  "cliq-relay-hmac-sha256": (request, secret) => verifyHmac(request, secret, request.body),
  /** Our relay script signs `<epoch seconds>.<body>`. Cliq documents no replay window; this one is our own. */
  "cliq-relay-hmac-sha256-timestamped": async (request, secret, nowMs) => {
    const timestamp = request.headers.get(relayTimestampHeader) ?? "";
    if (!/^\d{1,12}$/.test(timestamp)) return false;
    if (!isWithinReplayWindow(timestamp, nowMs)) return false;
    return verifyHmac(request, secret, concatBytes(utf8.encode(`${timestamp}.`), request.body));
  },
  "cliq-shared-secret": async (request, secret) => equalTexts(request.headers.get(sharedSecretHeader) ?? "", secret),
  /** Cliq itself signs the body with the extension's RSA key; the secret holds the public key as the settings page shows it. */
  "cliq-rsa-sha256": verifyRsa,
};

/** Verified when one of the secrets fits; secrets of schemes that are not Cliq's, and empty ones, fit nothing. Never throws. */
export async function verifySignature(
  request: WebhookRequest,
  secrets: readonly VerificationSecret[],
  nowMs: number,
): Promise<Verified> {
  for (const { scheme, value } of secrets) {
    const verify = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
    if (verify && value !== "" && (await verify(request, value, nowMs))) return { kind: "verified" };
  }
  return {
    kind: "refused",
    reason: secrets.length === 0 ? "no_secret" : carriesProof(request) ? "signature_mismatch" : "signature_missing",
  };
}

function carriesProof(request: WebhookRequest): boolean {
  return [relaySignatureHeader, sharedSecretHeader, nativeSignatureHeader].some((name) => request.headers.has(name));
}

async function verifyHmac(request: WebhookRequest, secret: string, signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const signature = digestOf(request.headers.get(relaySignatureHeader) ?? "");
  return signature !== undefined && hmacSha256Fits(secret, signed, signature);
}

/** 32 bytes from `sha256=<hex>`, `sha256=<base64>` or either without the prefix; lower-case hex only. */
function digestOf(header: string): Uint8Array<ArrayBuffer> | undefined {
  const text = header.startsWith("sha256=") ? header.slice("sha256=".length) : header;
  if (/^[0-9a-f]{64}$/.test(text)) return hexToBytes(text);
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? base64Bytes(text) : undefined;
}

async function verifyRsa(request: WebhookRequest, publicKey: string): Promise<boolean> {
  const signature = base64Bytes(request.headers.get(nativeSignatureHeader) ?? "");
  const spki = base64Bytes(publicKey.replaceAll(/-----(BEGIN|END) PUBLIC KEY-----|\s/g, ""));
  if (!signature || !spki) return false;
  try {
    const key = await crypto.subtle.importKey("spki", spki, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["verify"]);
    return await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, signature, request.body);
  } catch {
    // The stored key is not an RSA key: fail closed.
    return false;
  }
}

/** Compares digests, so that neither length nor content shows in the time it takes. */
function equalTexts(given: string, expected: string): boolean {
  return equalInConstantTime(sha256(utf8.encode(expected)), sha256(utf8.encode(given)));
}

function base64Bytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length === 0 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
