// The control API of README.md: to act as a person, to read what people see, to look at the evidence, and to order faults.
import * as v from "valibot";
import type { SimulatorHost } from "../contract/simulator.ts";
import type { ApiCalls } from "./api-call.ts";
import type { Consents } from "./consent.ts";
import { type Answer, ControlError, conversationView, deliveryView, installedAppView, requestView } from "./control-views.ts";
import type { Deliveries } from "./deliveries.ts";
import { type Faults, faultKinds } from "./faults.ts";
import type { People } from "./people.ts";
import type { SimulatedPlatform } from "./platform.ts";
import type { RequestLog } from "./request-log.ts";
import type { App, Delivery, SimulatedMessage } from "./state/state.ts";
import type { Conversation, World } from "./state/world.ts";

/** Largest control body, in characters: room for the largest text that a webhook test sends. */
const bodyLengthMax = 8 * 1024 * 1024;

export interface ControlContext {
  host: SimulatorHost;
  platform: SimulatedPlatform;
  world: World;
  people: People;
  calls: ApiCalls;
  deliveries: Deliveries;
  consents: Consents;
  faults: Faults;
  requests: RequestLog;
}

const name = v.pipe(v.string(), v.minLength(1));
const appBody = v.object({
  name,
  webhook_url: v.string(),
  secret: v.optional(v.object({ scheme: name, value: name })),
  rate: v.optional(v.object({ per_second: v.pipe(v.number(), v.minValue(0.001)), burst: v.pipe(v.number(), v.minValue(1)) })),
});
const developerAppBody = v.object({ name, redirect_uri: name, webhook_url: v.string() });
const fileBody = v.object({ name, mime: v.string(), text: v.string() });
const messageBody = v.object({
  app_id: v.optional(v.string()),
  conversation: name,
  user: name,
  text: v.string(),
  thread: v.optional(v.string()),
  reply_to: v.optional(v.string()),
  file: v.optional(fileBody),
  wait: v.optional(v.boolean()),
});
const targetEntries = { app_id: v.optional(v.string()), conversation: name, wait: v.optional(v.boolean()) };
const editBody = v.object({ ...targetEntries, text: v.string() });
const deleteBody = v.object(targetEntries);
const redeliverBody = v.object({ ...targetEntries, id: name });
const reactionBody = v.object({ ...targetEntries, id: name, user: name, reaction: name, removed: v.optional(v.boolean()) });
const faultBody = v.object({
  kind: v.picklist(faultKinds),
  count: v.pipe(v.number(), v.integer(), v.minValue(1)),
  ms: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
  method: v.optional(v.string(), ""),
});

/** Serves whatever is under `/_control`. Bad input is a 4xx with a reason. */
export function createControl(context: ControlContext): (request: Request) => Promise<Response> {
  const { platform, world, people, deliveries, faults, requests } = context;

  async function route(request: Request): Promise<Answer> {
    const url = new URL(request.url);
    const [area = "", id, ...rest] = url.pathname.split("/").slice(2).map(decoded);
    if (rest.length > 0) throw new ControlError(404, "no such path");
    switch (`${request.method} ${area}${id === undefined ? "" : "/:id"}`) {
      case "GET apps":
        return { body: world.apps().map(installedAppView) };
      case "POST apps":
        return { body: await install(await bodyOf(request, appBody)) };
      case "POST developer_apps":
        return { body: develop(await bodyOf(request, developerAppBody)) };
      case "POST messages":
        return post(await bodyOf(request, messageBody));
      case "PUT messages/:id": {
        const body = await bodyOf(request, editBody);
        const found = herOwn(target(body, id ?? ""));
        return withDelivery(found, people.edit(found.app, found.conversation, found.message, body.text), body.wait);
      }
      case "DELETE messages/:id": {
        const body = await bodyOf(request, deleteBody);
        const found = herOwn(target(body, id ?? ""));
        return withDelivery(found, people.remove(found.app, found.conversation, found.message), body.wait);
      }
      case "POST reactions":
        return react(await bodyOf(request, reactionBody));
      case "POST redeliver": {
        const body = await bodyOf(request, redeliverBody);
        const found = target(body, body.id);
        const delivery = people.repeat(found.app, found.conversation, found.message);
        if (!delivery) throw new ControlError(409, "nobody was told of that message");
        return withDelivery(found, delivery, body.wait);
      }
      case "GET conversations/:id": {
        const app = appOf(url.searchParams.get("app_id") ?? undefined);
        const conversation = people.knownConversation(app, id ?? "");
        if (!conversation) throw new ControlError(404, "no such conversation");
        return { body: conversationView(conversation) };
      }
      case "GET deliveries":
        return { body: deliveriesOf(url).map(deliveryView) };
      case "GET requests":
        return { body: requests.list().map(requestView) };
      case "GET faults":
        return { body: faults.list() };
      case "POST faults":
        faults.add(await bodyOf(request, faultBody));
        return { body: {} };
      case "DELETE faults":
        faults.clear();
        return { body: {} };
      default:
        throw new ControlError(404, "no such call");
    }
  }

  async function install(body: v.InferOutput<typeof appBody>): Promise<unknown> {
    const before = world.apps().find((app) => app.name === body.name);
    const made = before ?? appMade(body.name);
    const secrets = body.secret ? [body.secret] : made.account.secrets;
    const app: App = { ...made, webhookUrl: body.webhook_url, account: { ...made.account, secrets } };
    if (body.rate) app.rate = { perSecond: body.rate.per_second, burst: body.rate.burst };
    world.putApp(app);
    await platform.installed?.(app, context);
    return installedAppView(app);
  }

  /** The same name again updates the addresses and gives the same app. */
  function develop(body: v.InferOutput<typeof developerAppBody>): unknown {
    const before = world.developerApps().find((app) => app.name === body.name);
    const made = before ?? platform.develop?.(body.name, context.host);
    if (!made) throw new ControlError(404, "this platform has no OAuth");
    const app = { ...made, name: body.name, redirectUri: body.redirect_uri, webhookUrl: body.webhook_url };
    world.putDeveloperApp(app);
    const settings = platform.developedSettings?.(context.host.baseUrl) ?? {};
    return { client_id: app.clientId, client_secret: app.clientSecret, settings, verification: app.secrets };
  }

  function appMade(appName: string): App {
    const { appId, account } = platform.install(appName, context.host);
    return { id: appId, name: appName, webhookUrl: "", account };
  }

  async function post(body: v.InferOutput<typeof messageBody>): Promise<Answer> {
    const app = appOf(body.app_id);
    const conversation = people.conversation(app, body.conversation);
    if (!deliveries.hasRoom(app.id, conversation.id))
      throw new ControlError(429, "too many webhooks of that conversation are owed");
    const { message, delivery } = people.post(app, conversation, {
      author: people.person(app, body.user),
      authorName: body.user,
      bot: false,
      text: body.text,
      ...(body.thread === undefined ? {} : { thread: body.thread }),
      ...(body.reply_to === undefined ? {} : { replyTo: body.reply_to }),
      ...(body.file === undefined ? {} : { file: body.file }),
    });
    return withDelivery({ app, conversation, message }, delivery, body.wait);
  }

  async function react(body: v.InferOutput<typeof reactionBody>): Promise<Answer> {
    const found = target(body, body.id);
    const detail = { user: people.person(found.app, body.user), reaction: body.reaction };
    const kind = body.removed ? "reaction_removed" : "reaction_added";
    const delivery = people.happens(found.app, found.conversation, found.message, { kind, detail, byApp: false });
    return withDelivery(found, delivery, body.wait);
  }

  function target(body: { app_id?: string | undefined; conversation: string }, id: string): Target {
    const app = appOf(body.app_id);
    const conversation = people.knownConversation(app, body.conversation);
    const message = conversation?.messages.get(id);
    if (!conversation || !message) throw new ControlError(404, "no such message");
    return { app, conversation, message };
  }

  function appOf(id: string | undefined): App {
    const apps = world.apps();
    const app = id === undefined ? apps[0] : world.app(id);
    if (!app) throw new ControlError(404, id === undefined ? "no app is installed" : "no such app");
    if (id === undefined && apps.length > 1) throw new ControlError(400, "several apps are installed: say app_id");
    return app;
  }

  function deliveriesOf(url: URL): Delivery[] {
    const appId = url.searchParams.get("app_id") ?? undefined;
    const place = url.searchParams.get("conversation") ?? undefined;
    if (place === undefined) return deliveries.list({ appId });
    const apps = appId === undefined ? world.apps() : [appOf(appId)];
    return apps.flatMap((app) => deliveries.list({ appId: app.id, conversation: platform.conversationOf(app, place).id }));
  }

  async function withDelivery(found: Target, delivery: Delivery | undefined, wait: boolean | undefined): Promise<Answer> {
    const body = { id: found.message.id, conversation: found.conversation.id };
    if (!wait || !delivery) return { body };
    const attempt = await deliveries.firstAttempt(delivery);
    return { body: { ...body, delivery: { status: attempt.status, duration_ms: attempt.durationMs } } };
  }

  return async (request) => {
    try {
      const answer = await route(request);
      return Response.json(answer.body);
    } catch (cause) {
      if (!(cause instanceof ControlError)) throw cause;
      return Response.json({ error: cause.message }, { status: cause.status });
    }
  };
}

interface Target {
  app: App;
  conversation: Conversation;
  message: SimulatedMessage;
}

/** What a person may change: not what the app wrote, and not what is gone. */
function herOwn(found: Target): Target {
  if (found.message.deleted) throw new ControlError(404, "that message is deleted");
  if (found.message.bot) throw new ControlError(403, "the app wrote that message");
  return found;
}

async function bodyOf<Schema extends v.GenericSchema>(request: Request, schema: Schema): Promise<v.InferOutput<Schema>> {
  const text = await request.text();
  if (text.length > bodyLengthMax) throw new ControlError(413, `the body is longer than ${bodyLengthMax} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ControlError(400, "the body is not JSON");
  }
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new ControlError(400, `${v.getDotPath(issue) ?? "body"}: ${issue.message}`);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ControlError(400, "the path is not valid percent-encoding");
  }
}
