// A small chat platform over real HTTP, for tests of the sender: it notes every call in order of arrival and can be slow, rude and
// rate-limiting. What people see is what was shown, whether or not the answer arrived.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Call {
  atMs: number;
  /** The token of the caller. */
  credential: string;
  conversation: string;
  action: string;
  text: string;
  target: string;
  idempotencyKey: string;
  status: number;
}

export type Behaviour =
  | { kind: "answer"; afterMs?: number }
  | { kind: "status"; status: number; retryAfterMs?: number }
  /** The message is shown, the answer never comes. */
  | { kind: "answer_lost" }
  /** The connection breaks before anything is shown. */
  | { kind: "reset" };

export interface Platform extends AsyncDisposable {
  url: string;
  calls: Call[];
  /** What people see, by conversation: message id and its present text. */
  shown: Map<string, { id: string; text: string }[]>;
  /** Decides for each call; answers when left out. */
  behave: (call: Omit<Call, "status">) => Behaviour;
}

export async function startPlatform(): Promise<Platform> {
  const byKey = new Map<string, string>();
  let count = 0;
  const server = createServer((request, response) => void handle(request, response));
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const platform: Platform = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    shown: new Map(),
    behave: () => ({ kind: "answer" }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return platform;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const atMs = performance.now();
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const call = { atMs, ...(JSON.parse(text) as Omit<Call, "atMs" | "status">) };
    const behaviour = platform.behave(call);
    if (behaviour.kind === "reset") {
      platform.calls.push({ ...call, status: 0 });
      response.destroy();
      return;
    }
    if (behaviour.kind === "status") {
      platform.calls.push({ ...call, status: behaviour.status });
      response.writeHead(behaviour.status, { "retry-after-ms": String(behaviour.retryAfterMs ?? 0) });
      response.end("{}");
      return;
    }
    platform.calls.push({ ...call, status: behaviour.kind === "answer" ? 200 : 0 });
    const id = show(call);
    if (behaviour.kind === "answer_lost") return;
    if (behaviour.afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, behaviour.afterMs));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ id }));
  }

  function show(call: Omit<Call, "status">): string {
    const messages = platform.shown.get(call.conversation) ?? [];
    platform.shown.set(call.conversation, messages);
    const edited = messages.find((message) => message.id === call.target);
    if (call.action === "edit") {
      if (edited) edited.text = call.text;
      return call.target;
    }
    const key = call.idempotencyKey;
    const known = key === "" ? undefined : byKey.get(key);
    if (known !== undefined) return known;
    const id = `p${++count}`;
    if (key !== "") byKey.set(key, id);
    messages.push({ id, text: call.text });
    return id;
  }
}
