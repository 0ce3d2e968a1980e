// What Slack posts to an app: the envelope of each event, signed anew for each attempt.
import type { EventContext, OutgoingWebhook } from "../../simulator/platform-rules.ts";
import type { App } from "../../simulator/state/state.ts";
import { eventNumberOf, tsOfMs } from "./ids.ts";
import { messageJson } from "./message-json.ts";
import { signedHeaders } from "./sign.ts";

/** Undefined for what Slack tells an app nothing of: what happens in a channel that it was not invited to. */
export async function eventWebhook(context: EventContext): Promise<OutgoingWebhook | undefined> {
  const inner = innerEvent(context);
  if (!inner || context.conversation.name.startsWith(outsidePrefix)) return undefined;
  const body = JSON.stringify(envelope(context, inner));
  const headers = await signedHeaders(context.app, body, "application/json", context.nowMs);
  return { headers: { ...headers, ...retryHeaders(context) }, body };
}

/** A channel of such a name has not invited the app; one of the other is archived. */
export const outsidePrefix = "outside-";
export const archivedPrefix = "archived-";

function innerEvent(context: EventContext): Record<string, unknown> | undefined {
  const { event, app, conversation, message, baseUrl } = context;
  const view = { app, conversation, baseUrl };
  const channel = conversation.id;
  const channel_type = conversation.kind;
  // An event that is not a message's posting has a ts of its own; its number keeps those of one millisecond apart.
  const ts = tsOfMs(event.atMs, eventNumberOf(event.eventId) % 1_000);
  const changed = { type: "message", hidden: true, channel, ts, event_ts: ts, channel_type };
  const item = { type: "message", channel, ts: message.id };
  const { user, reaction } = event.detail;
  switch (event.kind) {
    case "posted":
      return { ...messageJson(view, message, 0), channel, event_ts: message.id, channel_type };
    case "app_mention":
      return { ...messageJson(view, message, 0), type: "app_mention", channel, event_ts: message.id };
    case "edited": {
      const now = messageJson(view, message, event.version);
      const before = messageJson(view, message, Math.max(0, event.version - 1));
      return { ...changed, subtype: "message_changed", message: now, previous_message: before };
    }
    case "deleted":
      return {
        ...changed,
        subtype: "message_deleted",
        deleted_ts: message.id,
        previous_message: messageJson(view, message, event.version),
      };
    case "reaction_added":
    case "reaction_removed":
      return { type: event.kind, user, reaction, item_user: message.author, item, event_ts: ts };
    default:
      return undefined;
  }
}

function envelope({ event, app }: EventContext, inner: Record<string, unknown>) {
  const { app_id, bot_user_id } = app.account.settings;
  const team_id = app.account.externalId;
  return {
    token: "deprecated-and-never-to-be-relied-on",
    team_id,
    context_team_id: team_id,
    context_enterprise_id: null,
    api_app_id: app_id,
    event: inner,
    type: "event_callback",
    event_id: event.eventId,
    event_time: Math.floor(event.atMs / 1_000),
    authorizations: [{ enterprise_id: null, team_id, user_id: bot_user_id, is_bot: true, is_enterprise_install: false }],
    is_ext_shared_channel: false,
    event_context: `4-${event.eventId}`,
  };
}

function retryHeaders({ attempt, event, lastStatus }: EventContext): Record<string, string> {
  if (attempt === 0) return {};
  return {
    "x-slack-retry-num": String(attempt),
    "x-slack-retry-reason": retryReason(lastStatus, event.attempts.at(-1)?.durationMs),
  };
}

function retryReason(status: number | undefined, durationMs: number | undefined): string {
  if (status !== 0 && status !== undefined) return status >= 300 && status < 400 ? "too_many_redirects" : "http_error";
  return (durationMs ?? 0) >= answerTimeoutMs ? "http_timeout" : "connection_failed";
}

/** Slack waits this long for an answer. */
export const answerTimeoutMs = 3_000;

/** The handshake when an app's URL is set. Whether it is answered well is the app's business. */
export async function urlVerification(app: App, challenge: string, nowMs: number): Promise<OutgoingWebhook> {
  const body = JSON.stringify({ token: "deprecated-and-never-to-be-relied-on", challenge, type: "url_verification" });
  return { headers: await signedHeaders(app, body, "application/json", nowMs), body };
}
