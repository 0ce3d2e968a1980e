// What Slack's `error` words mean for a send. Slack says 200 with `ok: false` for most of them.
import { DeliveryError, type DeliveryErrorKind } from "../../contract/outbound.ts";
import { retryAfterMsOf } from "../../kit/answer.ts";

/** Slack's wait when a 429 gives none, which its documentation excludes. */
const retryAfterDefaultMs = 30_000;

/**
 * A word that is not here is `rejected`: Slack answered, and said no. The `unknown` ones say in Slack's reference that some
 * aspect of the operation may have succeeded; the duplicates, that a message with this client_msg_id had been there.
 */
const kindOfError: Readonly<Record<string, DeliveryErrorKind>> = {
  ratelimited: "rate_limited",
  rate_limited: "rate_limited",
  message_limit_exceeded: "rate_limited",
  internal_error: "unknown",
  fatal_error: "unknown",
  duplicate_message_not_found: "unknown",
  duplicate_channel_not_found: "unknown",
  service_unavailable: "unavailable",
  team_added_to_org: "unavailable",
  // The body did not arrive whole, so nothing was carried out.
  request_timeout: "unavailable",
};

export interface ErrorAnswer {
  status: number;
  retryAfter: string | null;
  /** Slack's `error`, undefined when the answer is not Slack's JSON. */
  error: string | undefined;
}

/** The failure in an answer that is not `ok: true`. */
export function deliveryErrorOf(method: string, { status, retryAfter, error }: ErrorAnswer): DeliveryError {
  const known = error === undefined ? undefined : kindOfError[error];
  const kind = status === 429 ? "rate_limited" : (known ?? kindOfStatus(status, error));
  const code = error !== undefined && /^[a-z0-9_]{1,80}$/.test(error) ? error : `http_${status}`;
  const message = `Slack refused ${method}: ${code}`;
  if (kind !== "rate_limited") return new DeliveryError(kind, code, message);
  return new DeliveryError(kind, code, message, { retryAfterMs: retryAfterMsOf(retryAfter) ?? retryAfterDefaultMs });
}

function kindOfStatus(status: number, error: string | undefined): DeliveryErrorKind {
  // 5xx, and a 408 of something in between: the call may have been carried out. So may a 2xx that is not Slack's JSON.
  if (status >= 500 || status === 408) return "unknown";
  return status >= 200 && status < 300 && error === undefined ? "unknown" : "rejected";
}
