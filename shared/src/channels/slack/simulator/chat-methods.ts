// Posting, changing and deleting messages, and reacting to them, as strictly as Slack.
import type { SimulatedMessage } from "../../simulator/state/state.ts";
import type { Conversation } from "../../simulator/state/world.ts";
import type { Call, Result } from "./call.ts";
import { channelOf } from "./channels.ts";
import { postedBefore, rememberPosted } from "./client-msg-ids.ts";
import { archivedPrefix, outsidePrefix } from "./events.ts";
import { messageJson } from "./message-json.ts";

/** Characters of one message. */
const postTextLengthMax = 40_000;
const updateTextLengthMax = 4_000;
const metadataLengthMax = 8_192;

export function chatPostMessage(call: Call): Result {
  const { kit, app, args } = call;
  const conversation = channelOf(call, args.channel ?? "");
  if (!conversation) return refused("channel_not_found");
  if (conversation.name.startsWith(outsidePrefix)) return refused("not_in_channel");
  if (conversation.name.startsWith(archivedPrefix)) return refused("is_archived");
  const text = args.text ?? "";
  if (text === "" && !args.blocks && !args.attachments) return refused("no_text");
  if (text.length > postTextLengthMax) return refused("msg_too_long");
  const metadata = args.metadata ?? "";
  if (metadata.length > metadataLengthMax) return refused("metadata_too_large");
  if (metadata !== "" && !isMetadata(metadata)) return refused("invalid_metadata_format");
  const thread = args.thread_ts ?? "";
  const threadError = thread === "" ? undefined : threadErrorOf(conversation, thread);
  if (threadError) return refused(threadError);

  const clientMsgId = args.client_msg_id ?? "";
  const before = clientMsgId === "" ? undefined : postedBefore(conversation, clientMsgId);
  if (before?.deleted) return refused("duplicate_message_not_found");
  if (before) return posted(call, conversation, before);
  const extra = { ...(metadata === "" ? {} : { metadata }), ...(clientMsgId === "" ? {} : { client_msg_id: clientMsgId }) };
  const author = app.account.settings.bot_user_id ?? "";
  const broadcast: Record<string, string> = args.reply_broadcast === "true" && thread !== "" ? { broadcast: "true" } : {};
  const draft = { author, authorName: app.name, bot: true, text, thread, extra: { ...extra, ...broadcast } };
  const { message } = kit.people.post(app, conversation, draft);
  rememberPosted(conversation, message);
  return posted(call, conversation, message);
}

function posted({ app, kit }: Call, conversation: Conversation, message: SimulatedMessage): Result {
  const view = { app, conversation, baseUrl: kit.host.baseUrl };
  return ok({ channel: conversation.id, ts: message.id, message: messageJson(view, message) });
}

export function chatUpdate(call: Call): Result {
  const { kit, app, args } = call;
  const found = messageOf(call, args.ts ?? "");
  if (found.kind === "refused") return found;
  const { conversation, message } = found;
  if (!message.bot) return refused("cant_update_message");
  const text = args.text ?? "";
  if (text === "" && !args.blocks && !args.attachments) return refused("no_text");
  if (text.length > updateTextLengthMax) return refused("msg_too_long");
  kit.people.edit(app, conversation, message, text);
  const json = messageJson({ app, conversation, baseUrl: kit.host.baseUrl }, message);
  return ok({ channel: conversation.id, ts: message.id, text, message: json });
}

export function chatDelete(call: Call): Result {
  const found = messageOf(call, call.args.ts ?? "");
  if (found.kind === "refused") return found;
  if (!found.message.bot) return refused("cant_delete_message");
  call.kit.people.remove(call.app, found.conversation, found.message);
  return ok({ channel: found.conversation.id, ts: found.message.id });
}

export function reactionsAdd(call: Call): Result {
  return changeReaction(call, "reaction_added");
}

export function reactionsRemove(call: Call): Result {
  return changeReaction(call, "reaction_removed");
}

function changeReaction(call: Call, kind: "reaction_added" | "reaction_removed"): Result {
  const { app, kit, args } = call;
  const name = args.name ?? "";
  if (!/^[a-z0-9_+':-]{1,100}$/.test(name)) return refused("invalid_name");
  const found = messageOf(call, args.timestamp ?? "");
  if (found.kind === "refused") return found;
  const { conversation, message } = found;
  const key = `reaction:${name}`;
  const there = message.extra[key] === "true";
  if (kind === "reaction_added" && there) return refused("already_reacted");
  if (kind === "reaction_removed" && !there) return refused("no_reaction");
  message.extra[key] = String(kind === "reaction_added");
  kit.world.putMessage(conversation, message);
  const detail = { user: app.account.settings.bot_user_id ?? "", reaction: name };
  kit.people.happens(app, conversation, message, { kind, detail, byApp: true });
  return ok({});
}

type Found = { kind: "found"; conversation: Conversation; message: SimulatedMessage } | { kind: "refused"; error: string };

function messageOf(call: Call, ts: string): Found {
  const conversation = channelOf(call, call.args.channel ?? "");
  if (!conversation) return { kind: "refused", error: "channel_not_found" };
  const message = conversation.messages.get(ts);
  return message && !message.deleted ? { kind: "found", conversation, message } : { kind: "refused", error: "message_not_found" };
}

/** What is older than the simulator's memory is taken on trust. */
function threadErrorOf(conversation: Conversation, thread: string): string | undefined {
  const root = conversation.messages.get(thread);
  if (root) return root.thread === "" ? undefined : "cannot_reply_to_message";
  const oldest = conversation.messages.keys().next().value;
  return /^\d+\.\d{6}$/.test(thread) && oldest !== undefined && thread < oldest ? undefined : "thread_not_found";
}

function isMetadata(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "event_type" in value && "event_payload" in value;
  } catch {
    return false;
  }
}

function ok(body: Record<string, unknown>): Result {
  return { kind: "ok", body };
}

function refused(error: string): { kind: "refused"; error: string } {
  return { kind: "refused", error };
}
