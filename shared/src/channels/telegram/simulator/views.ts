// The simulated platform's objects as JSON: User, Chat, Message. What a bot reads in an answer and in a webhook is the same.
import { type App, type SimulatedMessage, textAt } from "../../simulator/state/state.ts";
import type { Conversation, World } from "../../simulator/state/world.ts";
import { fileIdOf } from "./ids.ts";

export function botView(app: App) {
  return { id: Number(app.account.externalId), is_bot: true, first_name: app.name, username: app.account.settings.bot_username };
}

export function userView(world: World, app: App, id: string) {
  const name = world.person(app.id, id)?.name ?? id;
  return { id: Number(id), is_bot: false, first_name: name, ...(/^[A-Za-z]\w*$/.test(name) ? { username: name } : {}) };
}

/** `inTopic`: what a chat with topics says of itself wherever one is shown. */
export function chatView(conversation: Conversation, inTopic: boolean) {
  const id = Number(conversation.id);
  if (conversation.kind === "private") {
    const name = conversation.name.replace(/^@/, "");
    return { id, type: "private", first_name: name };
  }
  return { id, type: conversation.kind, title: conversation.name, ...(inTopic ? { is_forum: true } : {}) };
}

/** A message as it was after `version` edits; the message that it answers one level deep, as Telegram gives it. */
export function messageView(
  place: { world: World; app: App; conversation: Conversation },
  message: SimulatedMessage,
  version: number,
): Record<string, unknown> {
  const { thread, replyTo } = message;
  const answered = place.conversation.messages.get(replyTo === "" ? thread : replyTo);
  const isOpening = replyTo === "" && thread === message.id;
  return {
    ...plainView(place, message, version),
    ...(thread === "" ? {} : { message_thread_id: Number(thread), is_topic_message: true }),
    ...(answered && !isOpening ? { reply_to_message: plainView(place, answered, 0) } : {}),
  };
}

function plainView(place: { world: World; app: App; conversation: Conversation }, message: SimulatedMessage, version: number) {
  const { app, conversation, world } = place;
  const text = textAt(message, version);
  const edit = message.edits[version - 1];
  const markup = message.extra.reply_markup;
  return {
    message_id: Number(message.id),
    from: message.bot ? botView(app) : userView(world, app, message.author),
    chat: chatView(conversation, message.thread !== ""),
    date: Math.floor(message.createdAtMs / 1000),
    ...(edit ? { edit_date: Math.floor(edit.atMs / 1000) } : {}),
    ...contentView(conversation, message, text),
    ...(markup === undefined ? {} : { reply_markup: JSON.parse(markup) }),
  };
}

function contentView(conversation: Conversation, message: SimulatedMessage, text: string) {
  const { file } = message;
  if (!file) return { text, ...entitiesOf(text) };
  const document = {
    file_name: file.name,
    mime_type: file.mime,
    file_id: fileIdOf(conversation.id, message.id),
    file_unique_id: `AgAD${message.id}`,
    file_size: new TextEncoder().encode(file.text).length,
  };
  return { document, ...(text === "" ? {} : { caption: text }) };
}

/** Commands and mentions, with offsets in UTF-16 code units; grammy's filters read them. */
function entitiesOf(text: string) {
  const entities = [...text.matchAll(/(?<=^|\s)([/@])\w{1,64}(@\w+)?/g)].map((match) => ({
    type: match[1] === "/" ? "bot_command" : "mention",
    offset: match.index,
    length: match[0].length,
  }));
  return entities.length > 0 ? { entities } : {};
}
