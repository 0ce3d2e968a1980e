// What the test platform tells an app: the event, and, for a message posted to two conversations at once, its twin behind it.
import type { EventContext, OutgoingWebhook } from "../../simulator/platform-rules.ts";
import { type SimulatedMessage, textAt } from "../../simulator/state/state.ts";

/** Signed anew for each attempt, as the time is part of the signature. Undefined for what the platform does not tell. */
export async function webhookOf(context: EventContext): Promise<OutgoingWebhook | undefined> {
  const { app, event, message, nowMs } = context;
  const kind = kinds.get(event.kind);
  const [secret] = app.account.secrets;
  if (kind === undefined || !secret) return undefined;
  const about = { kind, at_ms: event.atMs, version: event.version };
  const events = [eventOf(context, context.conversation.id, message, about), ...twinsOf(context, about)];
  const body = JSON.stringify({ workspace: app.account.externalId, events });
  const time = Math.floor(nowMs / 1000);
  const signature = await hmacHex(secret.value, `${time}.${body}`);
  return { headers: { "Content-Type": "application/json", "X-Test-Signature": `t=${time},v1=${signature}` }, body };
}

const kinds: ReadonlyMap<string, string> = new Map([
  ["posted", "message"],
  ["edited", "edit"],
  ["deleted", "delete"],
]);

interface About {
  kind: string;
  at_ms: number;
  version: number;
}

function eventOf(context: EventContext, conversation: string, message: SimulatedMessage, about: About) {
  const { file, replyTo, thread } = message;
  const address = new URLSearchParams({ app: context.app.id, conversation, message: message.id });
  const url = `${context.baseUrl}/file?${address}`;
  return {
    conversation,
    id: message.id,
    user: message.author,
    bot: message.bot,
    text: about.kind === "delete" ? "" : textAt(message, about.version),
    ...about,
    ...(replyTo === "" ? {} : { reply_to: replyTo }),
    ...(thread === "" ? {} : { thread }),
    ...(file ? { file: { url, name: file.name, mime: file.mime, bytes: new TextEncoder().encode(file.text).length } } : {}),
  };
}

function twinsOf(context: EventContext, about: About) {
  const { twin_conversation: conversation, twin_id: id } = context.message.extra;
  if (about.kind !== "message" || conversation === undefined || id === undefined) return [];
  const twin = context.world.conversation(context.app.id, conversation)?.messages.get(id);
  return twin ? [eventOf(context, conversation, twin, { ...about, version: 0 })] : [];
}

async function hmacHex(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
