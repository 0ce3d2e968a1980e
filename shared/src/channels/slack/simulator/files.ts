// Files, for whoever holds the token. Without one Slack answers 200 with a login page, as if nothing were wrong.
import type { SimulatorKit } from "../../simulator/platform.ts";

export async function serveFile(request: Request, { world }: SimulatorKit): Promise<Response> {
  const [, , appId = "", channel = "", ts = ""] = new URL(request.url).pathname.split("/");
  const app = world.app(appId);
  const token = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (!app || token !== app.account.credential) {
    return new Response("<!doctype html><title>Sign in</title>", { headers: { "content-type": "text/html; charset=utf-8" } });
  }
  const file = world.conversation(appId, channel)?.messages.get(ts)?.file;
  return file ? new Response(file.text, { headers: { "content-type": file.mime } }) : new Response("not found", { status: 404 });
}
