// What the simulated platform tells a bot: one Update for each event, with the secret token that was set for the webhook.
import type { EventContext, OutgoingWebhook } from "../../simulator/platform-rules.ts";
import { chatView, messageView, userView } from "./views.ts";

/** Undefined for what Telegram does not tell: deletions, and kinds that the bot did not ask for. */
export function webhookOf(context: EventContext): OutgoingWebhook | undefined {
  const { app, event } = context;
  const update = updateOf(context);
  if (!update) return undefined;
  const allowed: unknown = JSON.parse(app.account.settings.allowed_updates ?? "[]");
  const [kind = ""] = Object.keys(update);
  if (Array.isArray(allowed) && allowed.length > 0 && !allowed.includes(kind)) return undefined;
  const [secret] = app.account.secrets;
  return {
    headers: {
      "Content-Type": "application/json",
      "Accept-Encoding": "gzip, deflate",
      ...(secret ? { "X-Telegram-Bot-Api-Secret-Token": secret.value } : {}),
    },
    body: JSON.stringify({ update_id: Number(event.eventId), ...update }),
  };
}

function updateOf(context: EventContext): Record<string, unknown> | undefined {
  const { event, message } = context;
  switch (event.kind) {
    case "posted":
      return { message: messageView(context, message, event.version) };
    case "edited":
      return { edited_message: messageView(context, message, event.version) };
    case "reaction_added":
      return { message_reaction: reactionOf(context, [], [event.detail.reaction ?? ""]) };
    case "reaction_removed":
      return { message_reaction: reactionOf(context, [event.detail.reaction ?? ""], []) };
    case "button_pressed":
      return { callback_query: queryOf(context) };
    default:
      return undefined;
  }
}

function queryOf(context: EventContext) {
  const { app, event, message, world } = context;
  return {
    id: event.detail.query,
    from: userView(world, app, event.detail.user ?? ""),
    message: messageView(context, message, event.version),
    chat_instance: "-3141592653589793238",
    data: event.detail.data,
  };
}

function reactionOf(context: EventContext, before: string[], after: string[]) {
  const { app, conversation, event, message, world } = context;
  const types = (emojis: string[]) => emojis.map((emoji) => ({ type: "emoji", emoji }));
  return {
    chat: chatView(conversation, message.thread !== ""),
    message_id: Number(message.id),
    user: userView(world, app, event.detail.user ?? ""),
    date: Math.floor(event.atMs / 1000),
    old_reaction: types(before),
    new_reaction: types(after),
  };
}
