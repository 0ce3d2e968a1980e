// What each method of the simulated Bot API does for a bot whose token was right. Checked in Telegram's order: arguments, chat,
// message, then pace; so a refusal costs nobody budget.
import type { ApiAnswer } from "../../simulator/api-call.ts";
import type { SimulatedMessage } from "../../simulator/state/state.ts";
import type { Conversation } from "../../simulator/state/world.ts";
import type { Arguments } from "./arguments.ts";
import { isQuery } from "./buttons.ts";
import type { MethodCall } from "./call.ts";
import { messageOfFileId } from "./ids.ts";
import { badRequest, granted, refused, tooManyRequests } from "./refusals.ts";
import { botView, messageView } from "./views.ts";
import { deleteWebhook, getUpdates, getWebhookInfo, setWebhook } from "./webhook-methods.ts";

export type Method = (call: MethodCall) => ApiAnswer;

/** By lower-case name: Telegram does not mind the case. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["getme", getMe],
  ["setwebhook", setWebhook],
  ["deletewebhook", deleteWebhook],
  ["getwebhookinfo", getWebhookInfo],
  ["getupdates", getUpdates],
  ["sendmessage", sendMessage],
  ["editmessagetext", editMessageText],
  ["deletemessage", deleteMessage],
  ["sendchataction", sendChatAction],
  ["setmessagereaction", setMessageReaction],
  ["answercallbackquery", answerCallbackQuery],
  ["getfile", getFile],
]);

const textLengthMax = 4096;
/** About 30 messages a second for one bot over all chats (official FAQ). */
const overall = { perSecond: 30, burst: 30 };
/** About one message a second in one chat; short bursts pass (official FAQ: 20 a minute in a group). */
export const perChat = { perSecond: 1, burst: 20 };
const deletableForMs = 48 * 60 * 60 * 1000;
const parseModes = ["", "html", "markdown", "markdownv2"];

function getMe({ app }: MethodCall): ApiAnswer {
  return granted({
    ...botView(app),
    can_join_groups: true,
    can_read_all_group_messages: true,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
  });
}

function sendMessage(call: MethodCall): ApiAnswer {
  const text = textOf(call.args);
  if (typeof text !== "string") return text;
  const conversation = chatOf(call);
  if (!("messages" in conversation)) return conversation;
  const asked = replyOf(call.args);
  const target = conversation.messages.get(asked.replyTo);
  const replyTo = target && !target.deleted ? asked.replyTo : "";
  if (asked.replyTo !== "" && replyTo === "" && !asked.optional) return badRequest("message to be replied not found");
  const askedThread = call.args.id("message_thread_id") ?? "";
  if (askedThread !== "" && !hasThread(conversation, askedThread)) return badRequest("message thread not found");
  const slow = tooFast(call, conversation);
  if (slow) return slow;
  // An answer goes where its question is, also when no topic is named.
  const thread = askedThread || (replyTo === "" ? "" : (target?.thread ?? ""));
  const { message } = call.kit.people.post(call.app, conversation, {
    author: call.app.account.externalId,
    authorName: call.app.name,
    bot: true,
    text,
    thread,
    replyTo,
    extra: markupOf(call.args),
  });
  return granted(messageView({ ...call, world: call.kit.world, conversation }, message, 0));
}

function editMessageText(call: MethodCall): ApiAnswer {
  const text = textOf(call.args);
  if (typeof text !== "string") return text;
  const found = messageOf(call, "message to edit not found");
  if (!("message" in found)) return found;
  const { conversation, message } = found;
  if (!message.bot) return badRequest("message can't be edited");
  const markup = markupOf(call.args);
  if (message.text === text && message.extra.reply_markup === markup.reply_markup) {
    const same =
      "specified new message content and reply markup are exactly the same as a current content and reply markup of the message";
    return badRequest(`message is not modified: ${same}`);
  }
  const slow = tooFast(call, conversation);
  if (slow) return slow;
  const { reply_markup: _, ...kept } = message.extra;
  message.extra = { ...kept, ...markup };
  call.kit.people.edit(call.app, conversation, message, text);
  return granted(messageView({ ...call, world: call.kit.world, conversation }, message, message.edits.length));
}

function deleteMessage(call: MethodCall): ApiAnswer {
  const found = messageOf(call, "message to delete not found");
  if (!("message" in found)) return found;
  const { conversation, message } = found;
  const tooOld = call.kit.host.clock.nowMs() - message.createdAtMs > deletableForMs;
  if (!message.bot || tooOld) return badRequest("message can't be deleted");
  call.kit.people.remove(call.app, conversation, message);
  return granted(true);
}

const chatActions =
  /^(typing|upload_(photo|video|voice|document|video_note)|record_(video|voice|video_note)|choose_sticker|find_location)$/;

function sendChatAction(call: MethodCall): ApiAnswer {
  const conversation = chatOf(call);
  if (!("messages" in conversation)) return conversation;
  return chatActions.test(call.args.text("action")) ? granted(true) : badRequest("wrong parameter action in request");
}

/** Replaces the bot's reactions to a message, at most one; an empty list clears. */
function setMessageReaction(call: MethodCall): ApiAnswer {
  const found = messageOf(call, "message to react not found");
  if (!("message" in found)) return found;
  const asked = call.args.json("reaction") ?? [];
  if (!Array.isArray(asked)) return badRequest("can't parse reaction");
  if (asked.length > 1) return badRequest("REACTIONS_TOO_MANY");
  const emoji: unknown = asked[0]?.emoji ?? "";
  if (typeof emoji !== "string" || (asked.length === 1 && !/^\p{RGI_Emoji}$/v.test(emoji))) return badRequest("REACTION_INVALID");
  found.message.extra = { ...found.message.extra, bot_reaction: emoji };
  call.kit.world.putMessage(found.conversation, found.message);
  return granted(true);
}

function answerCallbackQuery({ app, args, kit }: MethodCall): ApiAnswer {
  if (isQuery(kit, app, args.text("callback_query_id"))) return granted(true);
  return badRequest("query is too old and response timeout expired or query ID is invalid");
}

function getFile({ args, kit, app }: MethodCall): ApiAnswer {
  const named = messageOfFileId(args.text("file_id"));
  const file = named && kit.world.conversation(app.id, named.chatId)?.messages.get(named.messageId)?.file;
  if (!named || !file) return badRequest("wrong file_id or the file is temporarily unavailable");
  return granted({
    file_id: args.text("file_id"),
    file_unique_id: `AgAD${named.messageId}`,
    file_size: new TextEncoder().encode(file.text).length,
    file_path: `documents/${named.chatId}/${named.messageId}`,
  });
}

/** Telegram trims the text, and counts UTF-16 code units. */
function textOf(args: Arguments): string | ApiAnswer {
  if (!parseModes.includes(args.text("parse_mode").toLowerCase())) return badRequest("unsupported parse_mode");
  const text = args.text("text").trim();
  if (text === "") return badRequest("message text is empty");
  return text.length > textLengthMax ? badRequest("message is too long") : text;
}

function chatOf({ args, kit, app }: MethodCall): Conversation | ApiAnswer {
  if (!args.has("chat_id")) return badRequest("chat_id is empty");
  const id = args.text("chat_id");
  const conversation = kit.world.conversation(app.id, id);
  if (conversation) return conversation;
  if (kit.world.person(app.id, id)) return refused(403, "Forbidden: bot can't initiate conversation with a user");
  return badRequest("chat not found");
}

function messageOf(call: MethodCall, missing: string): { conversation: Conversation; message: SimulatedMessage } | ApiAnswer {
  const conversation = chatOf(call);
  if (!("messages" in conversation)) return conversation;
  const id = call.args.id("message_id");
  if (id === undefined) return badRequest("message identifier is not specified");
  const message = conversation.messages.get(id);
  return message && !message.deleted ? { conversation, message } : badRequest(missing);
}

/** `reply_parameters`, or `reply_to_message_id` as older clients say it. */
function replyOf(args: Arguments): { replyTo: string; optional: boolean } {
  const parameters = args.json("reply_parameters");
  if (typeof parameters === "object" && parameters !== null && "message_id" in parameters) {
    const optional = "allow_sending_without_reply" in parameters && parameters.allow_sending_without_reply === true;
    return { replyTo: String(parameters.message_id), optional };
  }
  return { replyTo: args.id("reply_to_message_id") ?? "", optional: args.flag("allow_sending_without_reply") };
}

function hasThread(conversation: Conversation, thread: string): boolean {
  return conversation.messages.has(thread) || [...conversation.messages.values()].some((message) => message.thread === thread);
}

function markupOf(args: Arguments): Record<string, string> {
  const markup = args.json("reply_markup");
  return markup === undefined ? {} : { reply_markup: JSON.stringify(markup) };
}

/** Both limits are counted by the platform for each bot; whoever installs the app may set a chat's. */
function tooFast({ kit, app }: MethodCall, conversation: Conversation): ApiAnswer | undefined {
  const chat = app.rate ?? perChat;
  const bot = { perSecond: Math.max(overall.perSecond, chat.perSecond), burst: Math.max(overall.burst, chat.burst) };
  const waitMs = kit.calls.overLimitMs(`chat:${app.id}:${conversation.id}`, chat) || kit.calls.overLimitMs(`bot:${app.id}`, bot);
  return waitMs > 0 ? tooManyRequests(waitMs) : undefined;
}
