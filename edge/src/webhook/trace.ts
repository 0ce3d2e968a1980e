// The trace context that a webhook carries through the whole path: the caller's when it is valid (W3C Trace Context), else a new one.

import { isValidTraceparent } from "@mio/shared/bus/names/trace.ts";
import type { WebhookHeaders } from "@mio/shared/channels/contract/inbound.ts";
import type { Random } from "@mio/shared/random.ts";
import { bytesToHex } from "@noble/hashes/utils.js";

/** A W3C `traceparent`, always a valid one. */
export function traceparentOf(headers: WebhookHeaders, random: Random): string {
  const given = headers.get("traceparent") ?? "";
  return isValidTraceparent(given) ? given : `00-${bytesToHex(random.bytes(16))}-${bytesToHex(random.bytes(8))}-01`;
}
