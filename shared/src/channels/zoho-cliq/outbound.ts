// Zoho Cliq's outbound door. Cliq has no idempotency key; its history is 15 calls a minute for a user and locks for ten
// minutes beyond that, so nothing is looked up after an ambiguous send and the grade says so.
import * as v from "valibot";
import type { SourceMessageId } from "../../ids.ts";
import type { OutboundAccount } from "../contract/account.ts";
import { type Delivered, DeliveryError, type OutboundDoor, type PlannedCall, type SendFetch } from "../contract/outbound.ts";
import { payloadOf, repeatable } from "../kit/planned-call.ts";
import { callApi, pathSegment } from "./api.ts";
import { zohoCliqChannel } from "./channel.ts";
import { editPayload, planCalls, sendPayload } from "./out/render.ts";
import { canonicalMessageId, sourceMessageIdText, spacedMessageId } from "./source-id.ts";

export const zohoCliqOutbound: OutboundDoor = {
  channel: zohoCliqChannel,
  grade: () => "cannot_tell",
  plan: planCalls,
  deliver: (call, { account, fetch }) => (call.action === "edit" ? edit(call, account, fetch) : send(call, account, fetch)),
  sourceMessageIdOf: (chatId, externalId) => sourceMessageIdText(chatId, externalId) as SourceMessageId,
};

const sentAnswer = v.union([
  v.pipe(
    v.object({ message_id: v.pipe(v.string(), v.minLength(1)) }),
    v.transform((answer) => answer.message_id),
  ),
  v.pipe(
    v.object({ id: v.pipe(v.string(), v.minLength(1)) }),
    v.transform((answer) => answer.id),
  ),
]);

/**
 * By chat id, which serves channels, threads and DMs, as the user of the token. An account with `post_as` = `bot` and a
 * `bot_unique_name` posts into named channels as its bot instead; such a post cannot quote. `sync_message` makes Cliq answer
 * with the message's id, without which no edit could follow.
 */
async function send(call: PlannedCall, account: OutboundAccount, fetch: SendFetch): Promise<Delivered> {
  const payload = payloadOf(sendPayload, call);
  try {
    return await post(payload, account, fetch);
  } catch (cause) {
    // What it quotes is gone. Nothing was sent, and the answer matters more than the quote.
    const quoteGone = cause instanceof DeliveryError && cause.kind === "rejected" && cause.code === "message_not_found";
    if (!quoteGone || payload.replyTo === "") throw cause;
    return post({ ...payload, replyTo: "" }, account, fetch);
  }
}

async function post(payload: v.InferOutput<typeof sendPayload>, account: OutboundAccount, fetch: SendFetch): Promise<Delivered> {
  const { chatId, channelName, text, replyTo } = payload;
  const botName = account.settings.post_as === "bot" ? (account.settings.bot_unique_name ?? "") : "";
  const asBot = botName !== "" && channelName !== "" && replyTo === "";
  const answer = await callApi(account, fetch, {
    method: "POST",
    path: asBot
      ? `/api/v2/channelsbyname/${pathSegment(channelName)}/message?bot_unique_name=${encodeURIComponent(botName)}`
      : `/api/v3/chats/${pathSegment(chatId)}/messages`,
    body: { text, sync_message: true, ...(replyTo !== "" && { reply_to: spacedMessageId(replyTo) }) },
    undertaken: "send a message",
  });
  const id = v.safeParse(sentAnswer, answer);
  // A 2xx without an id is sent all the same; only its edits are lost.
  return { externalId: id.success ? canonicalMessageId(id.output) : "" };
}

async function edit(call: PlannedCall, account: OutboundAccount, fetch: SendFetch): Promise<Delivered> {
  const { chatId, messageId, text } = payloadOf(editPayload, call);
  await callApi(account, fetch, {
    method: "PUT",
    path: `/api/v2/chats/${pathSegment(chatId)}/messages/${pathSegment(spacedMessageId(messageId))}`,
    body: { text },
    undertaken: "edit a message",
  }).catch(repeatable);
  return { externalId: canonicalMessageId(messageId) };
}
