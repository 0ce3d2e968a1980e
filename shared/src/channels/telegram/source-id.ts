// How a Telegram event is named as a source_message_id. A message is `<chat>:<message>`, because message ids count per chat;
// whatever happens to a message later begins with that name, so its target can be read off it.
import type { SourceMessageId } from "../../ids.ts";

export function messageSourceId(chatId: string, messageId: string | number): SourceMessageId {
  return brand(`${chatId}:${messageId}`);
}

/**
 * edit_date counts whole seconds, and two edits in one second are two events; the update_id, which a repeat of the webhook
 * keeps, tells them apart.
 */
export function editSourceId(chatId: string, messageId: number, editDate: number, updateId: number): SourceMessageId {
  return brand(`${chatId}:${messageId}:edit:${editDate}:${updateId}`);
}

/** One update may change several reactions: `index` counts them in the update's order. */
export function reactionSourceId(chatId: string, messageId: number, updateId: number, index: number): SourceMessageId {
  return brand(`${chatId}:${messageId}:reaction:${updateId}:${index}`);
}

export function callbackSourceId(callbackId: string): SourceMessageId {
  return brand(`callback:${callbackId}`);
}

/** The chat and message that a source_message_id is about; undefined when it is not of a message. */
export function messageOfSourceId(sourceMessageId: string): { chatId: string; messageId: string } | undefined {
  const match = /^(-?\d{1,16}):(\d{1,16})(?::|$)/.exec(sourceMessageId);
  return match?.[1] !== undefined && match[2] !== undefined ? { chatId: match[1], messageId: match[2] } : undefined;
}

/** The one place where text becomes a Telegram source id. */
function brand(text: string): SourceMessageId {
  return text as SourceMessageId;
}
