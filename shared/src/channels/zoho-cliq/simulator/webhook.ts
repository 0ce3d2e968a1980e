// What the bot's Deluge script posts for an event: the participation handler's shape in channels, the message handler's in a
// chat with the bot, signed by the script. Nothing of how the inbound door reads it is used here.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { EventContext, OutgoingWebhook } from "../../simulator/platform-rules.ts";
import { type SimulatedMessage, textAt } from "../../simulator/state/state.ts";
import { printedMessageId } from "./ids.ts";

const operations: Readonly<Record<string, string>> = {
  posted: "message_sent",
  edited: "message_edited",
  deleted: "message_deleted",
};

/** Undefined for what no handler fires on: reactions, and in a chat with the bot everything but a person's new message. */
export async function relayWebhook(context: EventContext): Promise<OutgoingWebhook | undefined> {
  const { conversation, event, message } = context;
  const operation = operations[event.kind];
  if (operation === undefined) return undefined;
  if (conversation.kind === "bot" && (event.kind !== "posted" || message.bot)) return undefined;
  const body = JSON.stringify(conversation.kind === "bot" ? directBody(context) : channelBody(context, operation));
  const secret = context.app.account.secrets[0]?.value ?? "";
  return {
    headers: { "Content-Type": "application/json", "X-Webhook-Signature": `sha256=${hmacHex(secret, body)}` },
    body,
  };
}

function channelBody(context: EventContext, operation: string) {
  const { conversation, event, message } = context;
  const said = event.kind === "deleted" ? {} : contentOf(context, textAt(message, event.version));
  const name = conversation.name.toLowerCase();
  return {
    operation,
    data: { time: event.atMs, message: { ...said, id: printedMessageId(message.id) } },
    user: userOf(context),
    chat: {
      id: conversation.id,
      type: "channel",
      chat_type: "channel",
      channel_unique_name: name,
      channel_id: `P${conversation.id.slice(3, 22)}`,
      title: `#${conversation.name}`,
      owner: context.app.account.settings.self_ids ?? "",
    },
  };
}

/** The script makes the id, of the time and the user: Cliq gives it none. */
function directBody(context: EventContext) {
  const { conversation, event, message } = context;
  const id = `DM_${message.id.split("_")[0]}_${message.author}`;
  return {
    operation: "message",
    message: { id, ...contentOf(context, textAt(message, event.version)) },
    user: userOf(context),
    chat: { id: conversation.id, title: conversation.name, is_dm: true },
  };
}

function contentOf({ app, baseUrl, conversation, message }: EventContext, text: string) {
  const replied = conversation.messages.get(message.replyTo);
  const quote = replied ? { replied_message: quoteOf(replied) } : {};
  const mentions = mentionsIn(text, app.account.settings.bot_id ?? "", app.account.displayName);
  if (!message.file) return { mentions, text, type: "text", content: { text }, ...quote };
  const url = `${baseUrl}/company/${app.account.externalId}/v2/attachments/${message.file.id}`;
  return {
    file: { name: message.file.name, type: message.file.mime, url },
    comment: text,
    type: "attachment",
    mentions,
    ...quote,
  };
}

function quoteOf(message: SimulatedMessage) {
  const sender = { id: message.author, name: message.authorName };
  return { id: printedMessageId(message.id), text: message.text, time: message.createdAtMs, type: "text", sender, mentions: [] };
}

function mentionsIn(text: string, botId: string, name: string) {
  return text.includes(`{@${botId}}`) ? [{ name, dname: `@${name}`, id: botId, type: "bot" }] : [];
}

/** A bot has no flag that says so. */
function userOf({ app, message }: EventContext) {
  return {
    id: message.author,
    zoho_user_id: message.author,
    first_name: message.authorName,
    last_name: "",
    email: `${message.author}@example.com`,
    organization_id: app.account.externalId,
    admin: false,
    country: "us",
    language: "en",
    timezone: "UTC",
  };
}

function hmacHex(secret: string, body: string): string {
  const utf8 = new TextEncoder();
  return bytesToHex(hmac(sha256, utf8.encode(secret), utf8.encode(body)));
}
