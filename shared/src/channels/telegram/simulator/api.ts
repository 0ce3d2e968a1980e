// The simulated Bot API's front: `/bot<token>/<method>` and `/file/bot<token>/<path>`, and what Telegram answers before any
// method is looked at: 404 to a malformed token or an unknown method, 401 to a token that is nobody's.
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { App } from "../../simulator/state/state.ts";
import { argumentsOf } from "./arguments.ts";
import { methods } from "./methods.ts";
import { badRequest, refused, tooManyRequests, unavailable } from "./refusals.ts";

const tokenPattern = /^\d{1,16}:[A-Za-z0-9_-]{35}$/;

export async function serveApi(request: Request, kit: SimulatorKit): Promise<Response> {
  const { pathname } = new URL(request.url);
  const file = /^\/file\/bot([^/]+)\/(?:documents)\/(-?\d+)\/(\d+)$/.exec(pathname);
  if (file) return serveFile(kit, file[1] ?? "", file[2] ?? "", file[3] ?? "");
  const [, token = "", name = ""] = /^\/bot([^/]+)\/(\w+)$/.exec(pathname) ?? [];
  const args = await argumentsOf(request);
  const call = { method: name, conversation: args?.text("chat_id") ?? "", signal: request.signal };
  return kit.calls.serve(call, { rateLimited: tooManyRequests, unavailable }, () => {
    if (!tokenPattern.test(token)) return refused(404, "Not Found");
    const app = appOfToken(kit, token);
    if (!app) return refused(401, "Unauthorized");
    const method = methods.get(name.toLowerCase());
    if (!method) return refused(404, "Not Found: method not found");
    return args ? method({ kit, app, args }) : badRequest("can't parse the request body");
  });
}

function appOfToken(kit: SimulatorKit, token: string): App | undefined {
  return kit.world.apps().find((app) => app.account.credential === token);
}

function serveFile(kit: SimulatorKit, token: string, chatId: string, messageId: string): Response {
  const app = appOfToken(kit, token);
  const file = app && kit.world.conversation(app.id, chatId)?.messages.get(messageId)?.file;
  if (!file) return refused(app ? 404 : 401, app ? "Not Found" : "Unauthorized").response;
  return new Response(file.text, { headers: { "Content-Type": "application/octet-stream" } });
}
