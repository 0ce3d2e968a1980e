// The Web API: who calls, how often, and which method. HTTP 200 with `ok: false` is how Slack refuses.
import type { ApiAnswer } from "../../simulator/api-call.ts";
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { RateLimit } from "../../simulator/rate-limiter.ts";
import type { App } from "../../simulator/state/state.ts";
import { readArguments } from "./arguments.ts";
import type { Call, Result } from "./call.ts";
import { chatDelete, chatPostMessage, chatUpdate, reactionsAdd, reactionsRemove } from "./chat-methods.ts";
import { conversationsHistory, conversationsReplies } from "./history-methods.ts";
import { authTest, conversationsInfo, conversationsOpen, usersInfo } from "./lookup-methods.ts";
import { oauthAccess } from "./oauth.ts";

interface Method {
  run(call: Call): Result;
  /** Slack's tier, and whether it counts for each channel instead of for the workspace. */
  rate: RateLimit;
  perChannel?: boolean;
}

/** One message a second for each channel; short bursts are tolerated. */
export const postRate: RateLimit = { perSecond: 1, burst: 10 };
const tier2: RateLimit = { perSecond: 20 / 60, burst: 20 };
const tier3: RateLimit = { perSecond: 50 / 60, burst: 50 };
const tier4: RateLimit = { perSecond: 100 / 60, burst: 100 };

const methods: Readonly<Record<string, Method>> = {
  "chat.postMessage": { run: chatPostMessage, rate: postRate, perChannel: true },
  "chat.update": { run: chatUpdate, rate: tier3 },
  "chat.delete": { run: chatDelete, rate: tier3 },
  "reactions.add": { run: reactionsAdd, rate: tier3 },
  "reactions.remove": { run: reactionsRemove, rate: tier2 },
  "conversations.open": { run: conversationsOpen, rate: tier3 },
  "conversations.info": { run: conversationsInfo, rate: tier3 },
  "conversations.history": { run: conversationsHistory, rate: tier3 },
  "conversations.replies": { run: conversationsReplies, rate: tier3 },
  "users.info": { run: usersInfo, rate: tier4 },
  "auth.test": { run: authTest, rate: { perSecond: 10, burst: 100 } },
};

/** Serves `/api/<method>`. */
export async function serveWebApi(request: Request, methodName: string, kit: SimulatorKit): Promise<Response> {
  const read = await readArguments(request);
  const conversation = read.kind === "arguments" ? (read.args.channel ?? "") : "";
  const call = { method: methodName, conversation, signal: request.signal };
  return kit.calls.serve(call, { rateLimited, unavailable }, () => {
    if (read.kind === "refused") return refused(read.error);
    if (methodName === "api.test") return answer({ ok: true, args: read.args });
    if (methodName === "oauth.v2.access") return oauthAccess(read.args, request.headers.get("authorization"), kit);
    const method = Object.hasOwn(methods, methodName) ? methods[methodName] : undefined;
    if (!method) return refused("unknown_method");
    if (read.token === "") return refused("not_authed");
    const app = kit.world.apps().find((each) => each.account.credential === read.token);
    if (!app) return refused("invalid_auth");
    const waitMs = kit.calls.overLimitMs(limitKey(app, methodName, method, conversation), app.rate ?? method.rate);
    if (waitMs > 0) return rateLimited(waitMs);
    const result = method.run({ kit, app, args: read.args });
    return result.kind === "ok" ? answer({ ok: true, ...result.body }) : refused(result.error);
  });
}

function limitKey(app: App, methodName: string, method: Method, channel: string): string {
  return `${app.id} ${methodName}${method.perChannel ? ` ${channel}` : ""}`;
}

function answer(body: Record<string, unknown>): ApiAnswer {
  return { response: Response.json(body) };
}

function refused(error: string): ApiAnswer {
  return { response: Response.json({ ok: false, error }), error };
}

/** Slack gives whole seconds. */
function rateLimited(retryAfterMs: number): ApiAnswer {
  const headers = { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) };
  return { response: Response.json({ ok: false, error: "ratelimited" }, { status: 429, headers }), error: "ratelimited" };
}

function unavailable(): ApiAnswer {
  const response = Response.json({ ok: false, error: "service_unavailable" }, { status: 503 });
  return { response, error: "service_unavailable" };
}
