// What Cliq's refusals mean to the sender. One table; the sender never sees a Cliq code's meaning anywhere else.
import { DeliveryError } from "../../contract/outbound.ts";

/** After a threshold breach Cliq locks the user for this long, over all of its tokens, and sends no Retry-After. */
export const lockPeriodMs = 10 * 60_000;

/** A platform's code is passed on only in this shape, so that nothing else of its answer can leak into a receipt. */
const codePattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** Refusals that say nothing was carried out and that another try may succeed. */
const transientCodes = ["chat_operation_failed", "operation_failed"];

export interface Refusal {
  status: number;
  /** Empty when the body has none. */
  code: string;
  message: string;
  retryAfterMs: number | undefined;
}

/** `undertaken` says what was being done, such as "send a message". */
export function deliveryErrorOf(refusal: Refusal, undertaken: string): DeliveryError {
  const code = codePattern.test(refusal.code) ? refusal.code : `http_${refusal.status}`;
  const text = `Cliq refused to ${undertaken}: HTTP ${refusal.status} ${code}`;
  if (isThrottle(refusal))
    return new DeliveryError("rate_limited", code, text, { retryAfterMs: refusal.retryAfterMs ?? lockPeriodMs });
  // A 5xx comes from somewhere on the way; the message may stand all the same, and Cliq has no idempotency key to ask with.
  if (refusal.status >= 500) return new DeliveryError("unknown", code, text);
  if (transientCodes.includes(code)) return new DeliveryError("unavailable", code, text);
  return new DeliveryError("rejected", code, text);
}

/** 429, or the older 400 that says the same in prose: "You have exceeded the URL throttle limits." */
function isThrottle({ status, message }: Refusal): boolean {
  return status === 429 || (status === 400 && /throttle limit/i.test(message));
}
