// What a refusal of the Bot API means to the sender. Descriptions are prose that Telegram may reword, so the number decides
// the kind and a part of the description only names the code.
import { DeliveryError } from "../../contract/outbound.ts";

export interface Refusal {
  errorCode: number;
  description: string;
  retryAfterSeconds: number | undefined;
  migrateToChatId: number | undefined;
}

/** Used when a 429 does not say how long: the platform's own pace for one chat is one message a second. */
const defaultRetryAfterMs = 1000;

/** Part of a description, in lower case, and the code that we give it. As the Bot API answers them. */
const knownDescriptions: readonly (readonly [part: string, code: string])[] = [
  ["bot was blocked by the user", "blocked_by_user"],
  ["user is deactivated", "user_deactivated"],
  ["bot was kicked", "kicked"],
  ["bot is not a member", "not_a_member"],
  ["group chat was deleted", "chat_deleted"],
  ["bot can't initiate conversation", "cannot_initiate"],
  ["group chat was upgraded", "chat_migrated"],
  ["chat not found", "chat_not_found"],
  ["message is too long", "text_too_long"],
  ["text is empty", "text_empty"],
  ["message to edit not found", "edit_target_not_found"],
  ["message can't be edited", "edit_forbidden"],
  ["message to be replied not found", "reply_target_not_found"],
  ["message to reply not found", "reply_target_not_found"],
  ["message thread not found", "thread_not_found"],
  ["can't parse entities", "markup_invalid"],
  ["not enough rights", "not_enough_rights"],
  ["have no rights to send", "not_enough_rights"],
];

/**
 * 429: nothing was sent, wait. 503 and the server's own restart notice: nothing was sent. Other 5xx come from in between and
 * may follow a message that was sent: unknown. Everything else is a refusal for good.
 */
export function deliveryErrorOf(method: string, refusal: Refusal): DeliveryError {
  const { errorCode } = refusal;
  const text = `${method} was refused by Telegram with ${errorCode}`;
  if (errorCode === 429) {
    const retryAfterMs = retryAfterMsOf(refusal);
    return new DeliveryError("rate_limited", "too_many_requests", text, { retryAfterMs });
  }
  if (errorCode === 503) return new DeliveryError("unavailable", "service_unavailable", text);
  if (errorCode >= 500) return new DeliveryError("unknown", `server_error_${errorCode}`, text);
  if (errorCode === 401) return new DeliveryError("rejected", "unauthorized", `${text}: the bot token is wrong or revoked`);
  // 404 without more is a malformed token or method, never a chat.
  if (errorCode === 404)
    return new DeliveryError("rejected", "not_found", `${text}: the bot token or the API's address is malformed`);
  return new DeliveryError("rejected", codeOf(refusal), `${text}: ${codeOf(refusal)}`);
}

/** Editing a message to what it already says is refused by Telegram, and is what we wanted. */
export function isNotModified(refusal: Refusal): boolean {
  return refusal.errorCode === 400 && refusal.description.toLowerCase().includes("message is not modified");
}

function codeOf(refusal: Refusal): string {
  const description = refusal.description.toLowerCase();
  return knownDescriptions.find(([part]) => description.includes(part))?.[1] ?? `refused_${refusal.errorCode}`;
}

function retryAfterMsOf(refusal: Refusal): number {
  const seconds = refusal.retryAfterSeconds ?? Number(/retry after (\d+)/i.exec(refusal.description)?.[1] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : defaultRetryAfterMs;
}
