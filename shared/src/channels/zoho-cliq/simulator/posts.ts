// The calls that make messages appear. With `sync_message` the answer holds the message's id, without it there is none.
import type { ApiAnswer } from "../../simulator/api-call.ts";
import type { SimulatedMessage } from "../../simulator/state/state.ts";
import type { Conversation } from "../../simulator/state/world.ts";
import type { CliqCall } from "./call.ts";
import { chatNamed, messageNamed } from "./chats.ts";
import { chatOf, keptMessageId, printedMessageId, threadChatId } from "./ids.ts";
import { CliqRefusal, type Kind, strictBody, textOf } from "./requests.ts";

const chatKeys: Record<string, Kind> = { text: "string", reply_to: "string", sync_message: "boolean", mark_as_read: "boolean" };
const threadKeys: Record<string, Kind> = { thread_message_id: "string", thread_title: "string", post_in_parent: "boolean" };
const richKeys: Record<string, Kind> = { card: "object", slides: "object", buttons: "object", bot: "object", styles: "object" };

/** By chat id: as the user of the token. */
export function postToChat(call: CliqCall): ApiAnswer {
  const body = strictBody(call.body, { ...chatKeys, ...richKeys }, ["text"]);
  const chat = chatNamed(call, call.parameters[0] ?? "");
  return sent(post(call, chat, body, "user"), body);
}

/** By the channel's unique name: as the bot when the query names it. May start a thread. */
export function postToChannel(call: CliqCall): ApiAnswer {
  const body = strictBody(call.body, { ...chatKeys, ...threadKeys, ...richKeys }, ["text"]);
  const name = call.parameters[0] ?? "";
  const channel = call.kit.world
    .conversations(call.app.id)
    .find((chat) => chat.kind === "channel" && chat.name.toLowerCase() === name);
  if (!channel) throw new CliqRefusal(404, "request_url_invalid", "The request URL is invalid.");
  const botName = call.query.get("bot_unique_name");
  if (botName !== null && botName !== call.app.account.settings.bot_unique_name) {
    throw new CliqRefusal(403, "bot_message_forbidden", "The bot may not post here.");
  }
  const author = botName === null ? "user" : "bot";
  const threadRoot = textOf(body, "thread_message_id");
  if (threadRoot === "") return sent(post(call, channel, body, author), body);
  return sent(post(call, threadOf(call, channel, threadRoot), body, author), { ...body, sync_message: true });
}

/** To people's chats with the bot. */
export function postToBot(call: CliqCall, usersKey: "userids" | "user_ids"): ApiAnswer {
  const usersKind = usersKey === "userids" ? "string" : "object";
  const body = strictBody(
    call.body,
    { text: "string", [usersKey]: usersKind, sync_message: "boolean", reply_to: "string", ...richKeys },
    ["text"],
  );
  if (call.parameters[0] !== call.app.account.settings.bot_unique_name)
    throw new CliqRefusal(404, "request_url_invalid", "No such bot.");
  const given = body[usersKey];
  const ids = Array.isArray(given) ? given.map(String) : String(given ?? "").split(",");
  const people = ids.flatMap((id) => call.kit.world.person(call.app.id, id.trim()) ?? []);
  if (people.length === 0) throw new CliqRefusal(400, "botmessage_no_valid_users", "None of the users can be written to.");
  const details = people.map((person) => {
    const chat = call.kit.people.conversation(call.app, `dm:${person.name}`);
    return [person.id, { chat_id: chat.id, message_id: printedMessageId(post(call, chat, body, "bot").id) }] as const;
  });
  return { response: Response.json({ message_details: Object.fromEntries(details) }) };
}

function post(call: CliqCall, chat: Conversation, body: Record<string, unknown>, author: "user" | "bot"): SimulatedMessage {
  const { account } = call.app;
  const replyTo = keptMessageId(textOf(body, "reply_to"));
  if (replyTo !== "") messageNamed(chat, replyTo);
  const botId = account.settings.bot_id ?? "";
  return call.kit.people.post(call.app, chat, {
    author: author === "bot" ? botId : (account.settings.self_ids ?? botId),
    authorName: account.displayName,
    bot: true,
    text: textOf(body, "text"),
    ...(replyTo !== "" && { replyTo }),
  }).message;
}

/** A thread is a chat of its own; its id stands under its first message. */
function threadOf(call: CliqCall, channel: Conversation, rootId: string): Conversation {
  const root = messageNamed(channel, rootId);
  const id = threadChatId(channel.id, root.id);
  return call.kit.world.openConversation({ appId: call.app.id, name: id, ...chatOf(call.app.account.externalId, id) });
}

function sent(message: SimulatedMessage, body: Record<string, unknown>): ApiAnswer {
  if (body.sync_message !== true) return { response: new Response(null, { status: 204 }) };
  return { response: Response.json({ message_id: printedMessageId(message.id) }) };
}
