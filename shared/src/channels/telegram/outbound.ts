// Telegram's door for the sender. The Bot API has neither idempotency keys nor history, so a send whose answer is lost stays
// unknown; an edit may simply be repeated, because doing it twice shows nothing twice.
import * as v from "valibot";
import { type Delivered, DeliveryError, type OutboundDoor } from "../contract/outbound.ts";
import { repeatable } from "../kit/planned-call.ts";
import { callApi } from "./api.ts";
import { telegramChannel } from "./channel.ts";
import { deliveryErrorOf, isNotModified } from "./out/errors.ts";
import { planCalls } from "./out/render.ts";
import { messageOfSourceId, messageSourceId } from "./source-id.ts";

export const telegramOutbound: OutboundDoor = {
  channel: telegramChannel,
  grade: () => "cannot_tell",
  plan: planCalls,
  deliver: (call, context) => (call.action === "edit" ? edit(call.payload, context) : send(call.payload, context)),
  // The id names its chat only when the chat's own id had changed.
  sourceMessageIdOf: (conversationExternalId, externalId) => {
    const named = messageOfSourceId(externalId);
    return named ? messageSourceId(named.chatId, named.messageId) : messageSourceId(conversationExternalId, externalId);
  },
};

type Payload = Readonly<Record<string, unknown>>;
type Context = Parameters<OutboundDoor["deliver"]>[1];

const sentMessage = v.object({
  message_id: v.pipe(v.number(), v.safeInteger()),
  chat: v.object({ id: v.pipe(v.number(), v.safeInteger()) }),
});

/** A group that became a supergroup has a new id, which its refusal tells; nothing was sent, so the same goes there at once. */
async function send(payload: Payload, context: Context): Promise<Delivered> {
  const first = await callApi("sendMessage", payload, context);
  if (first.kind === "result") return { externalId: String(sentOf(first.result).message_id) };
  const { migrateToChatId } = first.refusal;
  if (migrateToChatId === undefined) throw deliveryErrorOf("sendMessage", first.refusal);
  // Message ids of the old group mean nothing in the new one.
  const { reply_parameters: _, ...unrelated } = payload;
  const second = await callApi("sendMessage", { ...unrelated, chat_id: String(migrateToChatId) }, context);
  if (second.kind === "refused") throw deliveryErrorOf("sendMessage", second.refusal);
  const sent = sentOf(second.result);
  return { externalId: messageSourceId(String(sent.chat.id), sent.message_id) };
}

function sentOf(result: unknown) {
  const parsed = v.safeParse(sentMessage, result);
  if (!parsed.success)
    throw new DeliveryError("unknown", "answer_unreadable", "sendMessage was answered without the message that it sent");
  return parsed.output;
}

async function edit(payload: Payload, context: Context): Promise<Delivered> {
  const externalId = String(payload.message_id);
  const answer = await callApi("editMessageText", payload, context).catch(repeatable);
  if (answer.kind === "result" || isNotModified(answer.refusal)) return { externalId };
  throw repeatable(deliveryErrorOf("editMessageText", answer.refusal));
}
