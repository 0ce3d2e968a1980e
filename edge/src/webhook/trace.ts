// The trace context that a webhook carries through the whole path: the caller's when it is valid (W3C Trace Context), else a new one.

import type { WebhookHeaders } from "@mio/shared/channels/contract.ts";
import type { Random } from "@mio/shared/random.ts";
import { bytesToHex } from "@noble/hashes/utils.js";

const pattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A W3C `traceparent`, always a valid one. */
export function traceparentOf(headers: WebhookHeaders, random: Random): string {
  const given = headers.get("traceparent") ?? "";
  return pattern.test(given) ? given : `00-${bytesToHex(random.bytes(16))}-${bytesToHex(random.bytes(8))}-01`;
}

/** Of a valid `traceparent`: 32 hexadecimal digits. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}
