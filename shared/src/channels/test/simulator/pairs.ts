// `POST /_control/pairs {app_id?, conversations: [a, b], user, text, wait?}`: a person posts to two conversations at once, and the app
// hears of both in one webhook. It stands in the line of the first; for the second only the time of its answer counts.
import * as v from "valibot";
import type { SimulatorKit } from "../../simulator/platform.ts";

const name = v.pipe(v.string(), v.minLength(1));
const pairBody = v.object({
  app_id: v.optional(v.string()),
  conversations: v.tuple([name, name]),
  user: name,
  text: v.string(),
  wait: v.optional(v.boolean(), false),
});

/** Undefined when the request is for another control call. */
export async function servePairs(request: Request, kit: SimulatorKit): Promise<Response | undefined> {
  if (request.method !== "POST" || new URL(request.url).pathname !== "/_control/pairs") return undefined;
  const parsed = v.safeParse(pairBody, await request.json().catch(() => undefined));
  if (!parsed.success) return Response.json({ error: "a pair takes conversations (two names), user and text" }, { status: 400 });
  const { app_id: appId, conversations, text, user, wait } = parsed.output;
  const apps = kit.world.apps();
  const app = appId === undefined ? apps[0] : kit.world.app(appId);
  if (!app) return Response.json({ error: "no such app" }, { status: 404 });
  if (appId === undefined && apps.length > 1)
    return Response.json({ error: "several apps are installed: say app_id" }, { status: 400 });
  if (conversations[0] === conversations[1])
    return Response.json({ error: "a pair takes two different conversations" }, { status: 400 });

  const draft = { author: kit.people.person(app, user), authorName: user, bot: false, text };
  const [first, second] = [kit.people.conversation(app, conversations[0]), kit.people.conversation(app, conversations[1])];
  if (!kit.deliveries.hasRoom(app.id, first.id)) return Response.json({ error: "too many webhooks are owed" }, { status: 429 });
  // Posted as if nobody listened: its twin's webhook tells of it.
  const twin = kit.people.post({ ...app, webhookUrl: "" }, second, draft).message;
  const extra = { twin_conversation: second.id, twin_id: twin.id };
  const { message, delivery } = kit.people.post(app, first, { ...draft, extra });
  const body = { ids: [message.id, twin.id], conversations: [first.id, second.id] };
  if (!wait || !delivery) return Response.json(body);
  const attempt = await kit.deliveries.firstAttempt(delivery);
  return Response.json({ ...body, delivery: { status: attempt.status, duration_ms: attempt.durationMs } });
}
