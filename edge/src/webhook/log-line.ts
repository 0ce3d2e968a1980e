// The one line that a request leaves in the log. Nothing in it was written by the caller: ids that are ids, words of our own, numbers. A path,
// a header, a body or the message of an exception may hold somebody's text or a secret, so none of these comes here.
import { traceIdOf } from "@mio/shared/bus/names/trace.ts";
import type { WebhookResult } from "./webhook.ts";

const reasonPattern = /^[a-z0-9_]{0,64}$/;
const frameLengthMax = 200;

/** At the end of every webhook, whatever became of it. A reason that is no word of ours is `other`. */
export function webhookLine(channelType: string, result: WebhookResult, durationMs: number): Record<string, unknown> {
  return {
    level: "info",
    event: "webhook",
    channel_type: channelType,
    account_id: result.accountId,
    outcome: result.outcome,
    reason: reasonPattern.test(result.reason) ? result.reason : "other",
    http_status: result.answer.status,
    events: result.events,
    body_bytes: result.bodyBytes,
    spooled: result.spooled,
    trace_id: traceIdOf(result.traceparent),
    duration_ms: Math.round(durationMs * 10) / 10,
  };
}

/** What was thrown, by its kind and place: its message may repeat what the caller sent. */
export function failureLine(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { level: "error", event: "request_failed", error: typeof error, at: "" };
  const head = `${error.name}: ${error.message}\n`;
  const frames = error.stack?.startsWith(head) ? error.stack.slice(head.length) : "";
  const [frame = ""] = frames.split("\n");
  return { level: "error", event: "request_failed", error: kindOf(error), at: frame.trim().slice(0, frameLengthMax) };
}

/** A name can be set to anything; a constructor's is code. */
function kindOf(error: Error): string {
  const { name } = error.constructor;
  return /^[A-Za-z]{1,64}$/.test(name) ? name : "Error";
}
