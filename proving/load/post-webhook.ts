// The platform's HTTP client, lean: Node's own, with connections kept alive. `fetch` would take a good part of the core that the load has.
import { Agent, request } from "node:http";

export interface WebhookPoster extends AsyncDisposable {
  /** As `fetch`, as far as a simulator uses it: rejects when no complete answer came. */
  post(url: string, init: RequestInit): Promise<Response>;
  /** From now on bodies go in pieces of this size and without a content-length; 0: whole again. */
  inPieces(bytes: number): void;
}

const bodylessStatuses: readonly number[] = [101, 204, 205, 304];

export function webhookPoster(): WebhookPoster {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1_024 });
  let pieceBytes = 0;
  return {
    post: (url, init) => post(agent, url, init, pieceBytes),
    inPieces(bytes) {
      pieceBytes = bytes;
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}

function post(agent: Agent, url: string, init: RequestInit, pieceBytes: number): Promise<Response> {
  const { method = "POST", headers, body, signal } = init;
  return new Promise((resolve, reject) => {
    const bytes = typeof body === "string" || body instanceof Uint8Array ? Buffer.from(body) : Buffer.alloc(0);
    const length = pieceBytes > 0 ? {} : { "content-length": bytes.length };
    const sent = { ...Object.fromEntries(new Headers(headers)), ...length };
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
    outgoing.on("error", (error) => {
      // The other side closed a connection that had been idle, just as this request went out on it. HTTP clients send such a one again.
      if (!outgoing.reusedSocket || !isReset(error)) return reject(error);
      post(agent, url, init, pieceBytes).then(resolve, reject);
    });
    if (pieceBytes === 0) return void outgoing.end(bytes);
    for (let at = 0; at < bytes.length; at += pieceBytes) outgoing.write(bytes.subarray(at, at + pieceBytes));
    outgoing.end();
  });
}

function isReset(error: Error): boolean {
  return "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

function plain(headers: NodeJS.Dict<string | string[]>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map((each) => [name, each]);
  });
}
