// `POST /_control/buttons {app_id?, conversation, id, user, data, wait?}`: a person presses the button that holds `data` under a message of the bot.
// The query that the bot hears of names its message, so that the bot's answer to it can be checked.
import * as v from "valibot";
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { App, SimulatedMessage } from "../../simulator/state/state.ts";

const name = v.pipe(v.string(), v.minLength(1));
const pressBody = v.object({
  app_id: v.optional(v.string()),
  conversation: name,
  id: name,
  user: name,
  data: v.string(),
  wait: v.optional(v.boolean()),
});
const keyboard = v.object({ inline_keyboard: v.array(v.array(v.object({ callback_data: v.optional(v.string()) }))) });

/** Undefined when the request is for another control call. */
export async function serveButtons(request: Request, kit: SimulatorKit): Promise<Response | undefined> {
  if (request.method !== "POST" || new URL(request.url).pathname !== "/_control/buttons") return undefined;
  const parsed = v.safeParse(pressBody, await request.json().catch(() => undefined));
  if (!parsed.success) return refused(400, "a press takes conversation, id, user and data");
  const { app_id: appId, conversation: place, data, id, user, wait } = parsed.output;
  const apps = kit.world.apps();
  const app = appId === undefined && apps.length === 1 ? apps[0] : kit.world.app(appId ?? "");
  const conversation = app && kit.people.knownConversation(app, place);
  const message = conversation?.messages.get(id);
  if (!app || !conversation || !message) return refused(404, "no such message");
  if (!hasButton(message, data)) return refused(404, "no such button");

  const press = String(kit.world.rising(`press:${app.id}`, 1));
  message.extra = { ...message.extra, [`press_${press}`]: user };
  const detail = { user: kit.people.person(app, user), data, query: `${conversation.id}_${message.id}_${press}` };
  const delivery = kit.people.happens(app, conversation, message, { kind: "button_pressed", detail, byApp: false });
  const body = { id: message.id, conversation: conversation.id };
  if (!wait || !delivery) return Response.json(body);
  const attempt = await kit.deliveries.firstAttempt(delivery);
  return Response.json({ ...body, delivery: { status: attempt.status, duration_ms: attempt.durationMs } });
}

/** Whether somebody pressed a button and this is the query that told of it. */
export function isQuery(kit: SimulatorKit, app: App, query: string): boolean {
  const [, chat = "", id = "", press = ""] = /^(-?\d+)_(\d+)_(\d+)$/.exec(query) ?? [];
  return kit.world.conversation(app.id, chat)?.messages.get(id)?.extra[`press_${press}`] !== undefined;
}

function hasButton(message: SimulatedMessage, data: string): boolean {
  const markup = v.safeParse(keyboard, JSON.parse(message.extra.reply_markup ?? "null"));
  return markup.success && markup.output.inline_keyboard.flat().some((button) => button.callback_data === data);
}

function refused(status: number, error: string): Response {
  return Response.json({ error }, { status });
}
