// Cliq's REST endpoints on the simulated world: who calls, what is asked, is it within the limits, then carried out or refused.
import type { ApiAnswer, Refusals } from "../../simulator/api-call.ts";
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { App } from "../../simulator/state/state.ts";
import type { CliqCall } from "./call.ts";
import { downloadFile } from "./files.ts";
import { type LimitKind, MinuteBuckets } from "./limits.ts";
import { bulkDelete, deleteMessage, editMessage, history } from "./messages.ts";
import { authorize, currentUser, Tokens } from "./oauth.ts";
import { postToBot, postToChannel, postToChat } from "./posts.ts";
import { CliqRefusal } from "./requests.ts";

interface Endpoint {
  method: string;
  path: RegExp;
  /** What the control API's log calls it. */
  name: string;
  limit: LimitKind | undefined;
  carryOut(call: CliqCall): ApiAnswer;
}

const endpoints: readonly Endpoint[] = [
  { method: "POST", path: /^\/api\/v3\/chats\/([^/]+)\/messages$/, name: "message.send", limit: "send", carryOut: postToChat },
  {
    method: "POST",
    path: /^\/api\/v2\/channelsbyname\/([^/]+)\/message$/,
    name: "message.send",
    limit: "send",
    carryOut: postToChannel,
  },
  {
    method: "POST",
    path: /^\/api\/v3\/channelsbyname\/([^/]+)\/messages$/,
    name: "message.send",
    limit: "send",
    carryOut: postToChannel,
  },
  {
    method: "POST",
    path: /^\/api\/v2\/bots\/([^/]+)\/message$/,
    name: "message.send",
    limit: "send",
    carryOut: (call) => postToBot(call, "userids"),
  },
  {
    method: "POST",
    path: /^\/api\/v3\/bots\/([^/]+)\/messages$/,
    name: "message.send",
    limit: "send",
    carryOut: (call) => postToBot(call, "user_ids"),
  },
  {
    method: "PUT",
    path: /^\/api\/v2\/chats\/([^/]+)\/messages\/([^/]+)$/,
    name: "message.edit",
    limit: "edit",
    carryOut: editMessage,
  },
  {
    method: "DELETE",
    path: /^\/api\/v2\/chats\/([^/]+)\/messages\/([^/]+)$/,
    name: "message.delete",
    limit: "delete",
    carryOut: deleteMessage,
  },
  // Three s: that is how it is published.
  {
    method: "DELETE",
    path: /^\/api\/v3\/chats\/([^/]+)\/messagess$/,
    name: "message.delete",
    limit: "delete",
    carryOut: bulkDelete,
  },
  { method: "GET", path: /^\/api\/v2\/chats\/([^/]+)\/messages$/, name: "message.history", limit: "history", carryOut: history },
  { method: "GET", path: /^\/api\/v2\/users\/me$/, name: "user.get", limit: undefined, carryOut: currentUser },
  {
    method: "GET",
    path: /^\/company\/([^/]+)\/v2\/attachments\/([^/]+)$/,
    name: "file.get",
    limit: undefined,
    carryOut: downloadFile,
  },
];

/** Serves the REST API and the token endpoint. Tokens and buckets are not kept over a restart, as a lock's end is not either. */
export function createApi(): (request: Request, kit: SimulatorKit) => Promise<Response> {
  let shared: { tokens: Tokens; buckets: MinuteBuckets } | undefined;
  return async (request, kit) => {
    shared ??= { tokens: new Tokens(kit), buckets: new MinuteBuckets(kit.host.clock) };
    const { tokens, buckets } = shared;
    const url = new URL(request.url);
    if (url.pathname === "/oauth/v2/auth") return authorize(request, kit);
    const body = await request.text();
    if (request.method === "POST" && url.pathname === "/oauth/v2/token") {
      const call = { method: "oauth.token", conversation: "", signal: request.signal };
      return kit.calls.serve(call, refusals, () => tokens.answer(new URLSearchParams(body || url.search)));
    }

    const found = endpoints.find((endpoint) => endpoint.method === request.method && endpoint.path.test(url.pathname));
    const parameters = found?.path.exec(url.pathname)?.slice(1).map(decoded) ?? [];
    const call = {
      method: found?.name ?? `${request.method} ${url.pathname}`,
      conversation: parameters[0] ?? "",
      signal: request.signal,
    };
    return kit.calls.serve(call, refusals, () => {
      try {
        const app = tokens.appOf(request.headers.get("authorization") ?? "");
        if (!app) throw new CliqRefusal(401, "oauthtoken_invalid", "Request was rejected because of invalid AuthToken.");
        if (!found) throw unknownCall(request.method, url.pathname);
        if (found.limit) {
          const waitMs = overLimitMs(app, limitOf(found.limit, parameters, body), kit, buckets);
          if (waitMs !== undefined) return refusals.rateLimited(waitMs);
        }
        return found.carryOut({ app, kit, parameters, query: url.searchParams, body });
      } catch (cause) {
        if (cause instanceof CliqRefusal) return cause.answer();
        throw cause;
      }
    });
  };
}

/**
 * Undefined within the limit. With the published limits the wait is 0, for Cliq does not say it: the lock holds. A rate that was
 * chosen at the installation does not lock and says how long to wait, so that a bot in local play is not shut out for minutes.
 */
function overLimitMs(app: App, kind: LimitKind, kit: SimulatorKit, buckets: MinuteBuckets): number | undefined {
  if (!app.rate) return buckets.take(app.id, kind) ? undefined : 0;
  const waitMs = kit.calls.overLimitMs(app.id, app.rate);
  return waitMs === 0 ? undefined : waitMs;
}

/** Posts that start a thread, or go into one, have a limit of their own. */
function limitOf(kind: LimitKind, parameters: readonly string[], body: string): LimitKind {
  const threaded = (parameters[0] ?? "").includes("-T-") || body.includes('"thread_message_id"');
  return kind === "send" && threaded ? "thread" : kind;
}

const refusals: Refusals = {
  rateLimited: (retryAfterMs) => ({
    response: Response.json(
      { message: "Too many requests within a certain time frame." },
      { status: 429, headers: retryAfterMs > 0 ? { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) } : {} },
    ),
    error: "too_many_requests",
  }),
  unavailable: () => new CliqRefusal(503, "operation_failed", "The operation failed.").answer(),
};

/** A path that is there under another method is told apart from one that is not there. */
function unknownCall(method: string, pathname: string): CliqRefusal {
  if (endpoints.some((endpoint) => endpoint.path.test(pathname)))
    return new CliqRefusal(400, "request_method_invalid", `${method} is not allowed here`);
  return new CliqRefusal(404, "request_url_invalid", "The request URL is invalid.");
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
