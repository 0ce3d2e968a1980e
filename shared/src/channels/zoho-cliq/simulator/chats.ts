// Finding what a call names: a chat that the app may see, a message in it, and what may be done to that message.
import type { SimulatedMessage } from "../../simulator/state/state.ts";
import type { Conversation } from "../../simulator/state/world.ts";
import type { CliqCall } from "./call.ts";
import { keptMessageId } from "./ids.ts";
import { CliqRefusal } from "./requests.ts";

/** A chat of another app's organisation is there, but not for this one. */
export function chatNamed(call: CliqCall, chatId: string): Conversation {
  const { app, kit } = call;
  const chat = kit.world.conversation(app.id, chatId);
  if (chat) return chat;
  const foreign = kit.world.apps().some((other) => kit.world.conversation(other.id, chatId));
  if (foreign) throw new CliqRefusal(403, "chat_access_denied", "You do not have access to this chat.");
  throw new CliqRefusal(404, "chat_not_found", "The chat was not found.");
}

export function messageNamed(chat: Conversation, id: string): SimulatedMessage {
  const message = chat.messages.get(keptMessageId(id));
  if (!message || message.deleted) throw new CliqRefusal(404, "message_not_found", "The message was not found.");
  return message;
}

/** Only the author may change or delete a message. */
export function ownMessage(chat: Conversation, id: string): SimulatedMessage {
  const message = messageNamed(chat, id);
  if (!message.bot) throw new CliqRefusal(403, "bot_unauthorized_message_access", "You are not allowed to change this message.");
  return message;
}
