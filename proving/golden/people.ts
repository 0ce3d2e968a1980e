// People in the conversations of the simulated platforms: what they write and what they see. A message counts only when its webhook was
// answered 200, and every message says in its text which one it is.

import * as v from "valibot";
import { readText, textOf } from "../judge/check.ts";
import type { ExpectedConversation, Place } from "./expected.ts";
import type { App } from "./system.ts";

export interface Conversation {
  app: App;
  name: string;
  /** The platform's own name of it; empty until somebody writes there. */
  externalId: string;
  messages: ExpectedConversation["messages"];
  /** Texts of those whose webhook came once more. */
  repeated: string[];
}

const posted = v.object({ id: v.string(), conversation: v.string(), delivery: v.object({ status: v.number() }) });
const seen = v.object({ messages: v.array(v.object({ bot: v.boolean(), text: v.string() })) });
const person = "ann";

/** Somebody asks the next question. */
export async function ask(conversation: Conversation, place: Place): Promise<void> {
  const text = nextText(conversation);
  const { id, conversation: externalId } = await acknowledged(conversation, "POST", "messages", { user: person, text });
  conversation.externalId = externalId;
  conversation.messages.push({ text, kind: "question", place, platformId: id });
}

/** She rewrites the n-th message of the conversation, counted from 0: one more message, which is no question. */
export async function rewrite(conversation: Conversation, index: number, place: Place): Promise<void> {
  const text = nextText(conversation);
  const { id } = await acknowledged(conversation, "PUT", `messages/${idAt(conversation, index)}`, { text });
  conversation.messages.push({ text, kind: "edit", place, platformId: id });
}

/** The platform has missed our 200 and tells of the n-th message once more. */
export async function repeat(conversation: Conversation, index: number): Promise<void> {
  await acknowledged(conversation, "POST", "redeliver", { id: idAt(conversation, index) });
  conversation.repeated.push(conversation.messages.at(index)?.text ?? "");
}

/** What the bot has written there, each by its present text. */
export async function botTexts({ app, name }: Conversation): Promise<string[]> {
  const place = `conversations/${encodeURIComponent(name)}?app_id=${encodeURIComponent(app.installed.appId)}`;
  const { messages } = v.parse(seen, await app.platform.control("GET", place));
  return messages.filter(({ bot }) => bot).map(({ text }) => text);
}

/** How often each question of the conversation is answered, in its order. */
export async function answerCounts(conversation: Conversation): Promise<number[]> {
  const quoted = (await botTexts(conversation))
    .flatMap((text) => readText(text) ?? [])
    .map((each) => textOf(each.conversation, each.k));
  return conversation.messages
    .filter(({ kind }) => kind === "question")
    .map(({ text }) => quoted.filter((each) => each === text).length);
}

async function acknowledged({ app, name }: Conversation, method: string, path: string, body: Record<string, unknown>) {
  const words = { app_id: app.installed.appId, conversation: name, wait: true };
  const answer = v.parse(posted, await app.platform.control(method, path, { ...words, ...body }));
  if (answer.delivery.status !== 200)
    throw new Error(`${method} ${path} of ${name}: the webhook was answered ${answer.delivery.status}`);
  return answer;
}

function nextText({ name, messages }: Conversation): string {
  return textOf(name, messages.length + 1);
}

function idAt({ name, messages }: Conversation, index: number): string {
  const id = messages.at(index)?.platformId;
  if (id === undefined) throw new Error(`${name} has no message at ${index}`);
  return id;
}
