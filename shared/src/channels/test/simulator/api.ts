// The test platform's API: post and edit, with a bearer token, and a key that makes the same post twice one message.
import * as v from "valibot";
import type { ApiAnswer } from "../../simulator/api-call.ts";
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { RateLimit } from "../../simulator/rate-limiter.ts";
import type { App, SimulatedMessage } from "../../simulator/state/state.ts";
import type { Conversation } from "../../simulator/state/world.ts";
import type { IdempotencyKeys } from "./idempotency-keys.ts";

const textLengthMax = 2000;
/** What one app may send to one conversation when whoever installed it set nothing. */
export const rate: RateLimit = { perSecond: 100, burst: 100 };

const text = v.pipe(v.string(), v.minLength(1));
const postBody = v.object({ conversation: v.string(), text, reply_to: v.optional(v.string(), "") });
const editBody = v.object({ conversation: v.string(), text });

interface Call {
  kit: SimulatorKit;
  app: App;
  keys: IdempotencyKeys;
  idempotencyKey: string;
}

export async function serveApi(request: Request, kit: SimulatorKit, keys: IdempotencyKeys): Promise<Response> {
  const { pathname } = new URL(request.url);
  const body = request.method === "GET" ? undefined : await request.json().catch(() => undefined);
  const editedId = /^\/api\/messages\/([A-Za-z0-9_-]+)$/.exec(pathname)?.[1];
  const method = `${request.method} ${editedId === undefined ? pathname : "/api/messages/:id"}`;
  const named = v.safeParse(v.object({ conversation: v.string() }), body);
  const logged = { method, conversation: named.success ? named.output.conversation : "", signal: request.signal };
  return kit.calls.serve(logged, { rateLimited: tooManyRequests, unavailable: () => refused(503, "unavailable") }, () => {
    const token = /^Bearer (.+)$/.exec(request.headers.get("Authorization") ?? "")?.[1];
    const app = kit.world.apps().find((each) => each.account.credential === token);
    if (!app) return refused(401, "token_unknown");
    const call = { kit, app, keys, idempotencyKey: request.headers.get("Idempotency-Key") ?? "" };
    if (method === "POST /api/messages") return post(call, body);
    if (method === "PUT /api/messages/:id") return edit(call, editedId ?? "", body);
    return refused(404, "method_unknown");
  });
}

/** A key that was seen gives the message that it made, whatever the body says now. */
function post(call: Call, body: unknown): ApiAnswer {
  const asked = v.safeParse(postBody, body);
  if (!asked.success) return refused(400, "body_malformed");
  const made = call.keys.find(call.kit.world, call.app, call.idempotencyKey);
  if (made !== undefined) return { response: Response.json({ id: made }) };
  const conversation = call.kit.world.conversation(call.app.id, asked.output.conversation);
  if (!conversation) return refused(404, "conversation_unknown");
  const slow = refusalOf(call, conversation, asked.output.text);
  if (slow) return slow;
  const { message } = call.kit.people.post(call.app, conversation, {
    author: call.app.account.externalId,
    authorName: call.app.name,
    bot: true,
    text: asked.output.text,
    replyTo: asked.output.reply_to,
    thread: conversation.messages.get(asked.output.reply_to)?.thread ?? "",
    extra: { idempotency_key: call.idempotencyKey },
  });
  call.keys.remember(call.app, call.idempotencyKey, message.id);
  return { response: Response.json({ id: message.id }) };
}

/** The same text again is the same edit. */
function edit(call: Call, id: string, body: unknown): ApiAnswer {
  const asked = v.safeParse(editBody, body);
  if (!asked.success) return refused(400, "body_malformed");
  const conversation = call.kit.world.conversation(call.app.id, asked.output.conversation);
  const message: SimulatedMessage | undefined = conversation?.messages.get(id);
  if (!conversation || !message || message.deleted) return refused(404, "message_unknown");
  if (!message.bot) return refused(403, "message_of_another");
  const slow = refusalOf(call, conversation, asked.output.text);
  if (slow) return slow;
  if (message.text !== asked.output.text) call.kit.people.edit(call.app, conversation, message, asked.output.text);
  return { response: Response.json({ id }) };
}

function refusalOf({ app, kit }: Call, conversation: Conversation, content: string): ApiAnswer | undefined {
  if (content.length > textLengthMax) return refused(400, "text_too_long");
  const waitMs = kit.calls.overLimitMs(`${app.id}\n${conversation.id}`, app.rate ?? rate);
  return waitMs > 0 ? tooManyRequests(waitMs) : undefined;
}

function refused(status: number, error: string): ApiAnswer {
  return { response: Response.json({ error }, { status }), error };
}

function tooManyRequests(retryAfterMs: number): ApiAnswer {
  const headers = { "Retry-After": String(retryAfterMs / 1000) };
  return { response: Response.json({ error: "too_many_requests" }, { status: 429, headers }), error: "too_many_requests" };
}
