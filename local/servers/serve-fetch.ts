// Serves a web-standard `fetch` function over node:http on the loopback: what a simulator is, made reachable.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FetchServer extends AsyncDisposable {
  url: string;
  port: number;
}

const bodyBytesMax = 64 * 1024 ** 2;
/** Longer than a client keeps an idle connection (ten minutes at most), so that no request meets one that is being closed. */
const keepAliveMs = 15 * 60_000;

/** Listens on 127.0.0.1; port 0 is any free one. Rejects when the port is taken. */
export async function serveFetch(port: number, handle: (request: Request) => Promise<Response>): Promise<FetchServer> {
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing, handle).catch((error: unknown) => {
      process.stderr.write(
        `${incoming.method} ${incoming.url} failed: ${error instanceof Error ? error.stack : String(error)}\n`,
      );
      if (!outgoing.headersSent) outgoing.writeHead(500, { "content-type": "application/json" });
      outgoing.end(JSON.stringify({ error: "the simulator itself failed; see its log" }));
    });
  });
  server.keepAliveTimeout = keepAliveMs;
  const bound = await listen(server, port);
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: (request: Request) => Promise<Response>,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > bodyBytesMax) {
      outgoing.writeHead(413).end();
      return;
    }
    chunks.push(buffer);
  }
  const headers = new Headers();
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? "", incoming.rawHeaders[index + 1] ?? "");
  }
  const method = incoming.method ?? "GET";
  const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host ?? "127.0.0.1"}`);
  const body = method === "GET" || method === "HEAD" ? {} : { body: Buffer.concat(chunks) };
  const response = await handle(new Request(url, { method, headers, signal: gone.signal, ...body }));
  if (outgoing.destroyed) return;
  outgoing.statusCode = response.status;
  response.headers.forEach((value, name) => {
    outgoing.appendHeader(name, value);
  });
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
