// The platform's HTTP client, lean: Node's own, with connections kept alive. `fetch` would take a good part of the core that the load has.
import { Agent, request } from "node:http";

export interface WebhookPoster extends AsyncDisposable {
  /** As `fetch`, as far as a simulator uses it: rejects when no complete answer came. */
  post(url: string, init: RequestInit): Promise<Response>;
}

const bodylessStatuses: readonly number[] = [101, 204, 205, 304];

export function webhookPoster(): WebhookPoster {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1_024 });
  return {
    post: (url, init) => post(agent, url, init),
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}

function post(agent: Agent, url: string, { method = "POST", headers, body, signal }: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const bytes = typeof body === "string" || body instanceof Uint8Array ? Buffer.from(body) : Buffer.alloc(0);
    const sent = { ...Object.fromEntries(new Headers(headers)), "content-length": bytes.length };
    const outgoing = request(url, { agent, method, headers: sent, ...(signal ? { signal } : {}) }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const status = incoming.statusCode ?? 0;
        const text = bodylessStatuses.includes(status) ? null : Buffer.concat(chunks);
        resolve(new Response(text, { status, headers: plain(incoming.headers) }));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(bytes);
  });
}

function plain(headers: NodeJS.Dict<string | string[]>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map((each) => [name, each]);
  });
}
