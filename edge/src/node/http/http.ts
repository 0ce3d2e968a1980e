// Node's HTTP server in front of the app. Every wait for a client and every length is bounded.
// By hand and not @hono/node-server: that is quick with an empty handler (33 µs of CPU a request against 61), and slow when the body is
// read as a stream, as the pipe does (320 against 299), and these bounds would be ours all the same.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { PlatformAnswer } from "@mio/shared/channels/contract/inbound.ts";
import type { EdgeApp } from "../../app.ts";
import { bodyBytesMax } from "../../webhook/body.ts";

export interface HttpServer {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** How many are open. */
  connections(): Promise<number>;
  /** Takes no new connection, answers what is in hand, and resolves when the last one has its answer, after 5,000 ms at the latest. */
  close(): Promise<void>;
}

export interface HttpOptions {
  host: string;
  port: number;
  bounds?: HttpBounds;
  /** Asked first; what it does not answer goes to `fetch`. */
  webhook?: EdgeApp["webhook"];
}

export interface HttpBounds {
  /** A client that takes longer to send its headers is answered 408 and cut off (slowloris). */
  headersWithinMs: number;
  /** So is one that takes longer for headers and body together. */
  requestWithinMs: number;
  /** How often these two are looked at. */
  lookEveryMs: number;
  /** Who reads no byte of his answer for so long is cut off; also longer than any answer takes to make. */
  unreadWithinMs: number;
  keepAliveMs: number;
  connectionsMax: number;
}

export const httpBounds: HttpBounds = {
  headersWithinMs: 5_000,
  requestWithinMs: 10_000,
  lookEveryMs: 1_000,
  unreadWithinMs: 30_000,
  /** Longer than a load balancer keeps an idle connection (Google's 600 s), so that we never close one that it is about to use. */
  keepAliveMs: 620_000,
  connectionsMax: 20_000,
};

const headerBytesMax = 16 * 1024;
/** Of a body that is too large, as much is read as lets most clients see the answer. */
const discardedBytesMax = 8 * 1024 * 1024;
const closeWithinMs = 5_000;

/** Rejects with one line when the address cannot be had. */
export async function serveHttp(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port, bounds = httpBounds, webhook = () => undefined }: HttpOptions,
): Promise<HttpServer> {
  let closing = false;
  const options = {
    headersTimeout: bounds.headersWithinMs,
    requestTimeout: bounds.requestWithinMs,
    connectionsCheckingInterval: bounds.lookEveryMs,
    keepAliveTimeout: bounds.keepAliveMs,
    maxHeaderSize: headerBytesMax,
  };
  const server = createServer(options, (incoming, outgoing) => {
    answer({ fetch, webhook }, incoming, outgoing, () => closing).catch(() => outgoing.destroy());
  });
  server.maxConnections = bounds.connectionsMax;
  // Of a connection on which nothing moves; between requests the longer keepAliveMs holds instead.
  server.timeout = bounds.unreadWithinMs;
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    connections: () =>
      new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count)))),
    close: () => {
      closing = true;
      return closed(server);
    },
  };
}

async function answer(app: EdgeApp, incoming: IncomingMessage, outgoing: ServerResponse, closing: () => boolean): Promise<void> {
  const body = await bodyOf(incoming);
  // The client went away: nobody waits for an answer, and what it did not finish to say means nothing.
  if (body === undefined) return void outgoing.destroy();
  const { status, headers, body: text } = await (webhookAnswer(app, incoming, body) ?? fetchAnswer(app, incoming, body));
  const lines = Object.entries(headers).flat();
  if (closing() || body.length > bodyBytesMax) lines.push("connection", "close");
  // With its length and as one text, headers and body leave in one write.
  lines.push("content-length", String(Buffer.byteLength(text)));
  outgoing.writeHead(status, lines);
  outgoing.end(text);
}

/** Without a Request and a Response around it. */
function webhookAnswer(app: EdgeApp, incoming: IncomingMessage, body: Buffer<ArrayBuffer>): Promise<PlatformAnswer> | undefined {
  const { method = "", url: path = "", headersDistinct: headers } = incoming;
  const url = `http://${headers.host?.[0] ?? "localhost"}${path}`;
  if (!path.startsWith("/") || !URL.canParse(url)) return undefined;
  // What Node drops of doubles in its `headers`, the Web platform joins: a header that comes twice fits no signature.
  const get = (name: string) => headers[name.toLowerCase()]?.join(", ") ?? null;
  return app.webhook(path, {
    method,
    url,
    headers: { get, has: (name) => get(name) !== null },
    body: () => (body.length > bodyBytesMax ? { kind: "too_large" } : { kind: "body", bytes: body }),
  });
}

async function fetchAnswer(app: EdgeApp, incoming: IncomingMessage, body: Buffer<ArrayBuffer>): Promise<PlatformAnswer> {
  const request = requestOf(incoming, body);
  if (!request) return { status: 400, headers: {}, body: "not a request for here\n" };
  const response = await app.fetch(request);
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

/** The whole body; of one that is too large, more than the limit, so that the pipe refuses it. Undefined when the client went away. */
function bodyOf(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer> | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = () => resolve(Buffer.concat(chunks));
    incoming.on("data", (chunk: Buffer) => {
      if (length <= bodyBytesMax) chunks.push(chunk);
      length += chunk.length;
      if (length > discardedBytesMax) end();
    });
    incoming.on("end", end);
    incoming.on("error", () => resolve(undefined));
    incoming.on("close", () => resolve(undefined));
  });
}

/** Undefined for what is no request for a path of ours. Headers keep their doubles, joined as the Web platform joins them. */
function requestOf(incoming: IncomingMessage, body: Buffer<ArrayBuffer>): Request | undefined {
  const { method = "", url = "", headers, rawHeaders } = incoming;
  if (!url.startsWith("/")) return undefined;
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    pairs.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  try {
    return new Request(`http://${headers.host ?? "localhost"}${url}`, {
      method,
      headers: pairs,
      ...(method === "GET" || method === "HEAD" ? {} : { body }),
    });
  } catch {
    // A method, host or header that the Web platform does not know.
    return undefined;
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`port ${port} is in use; set MIO_HTTP_PORT to a free one, or 0`, { cause: error })
          : new Error(`cannot listen on ${host}: ${error.message}`, { cause: error }),
      ),
    );
    server.listen(port, host, resolve);
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const impatient = setTimeout(() => server.closeAllConnections(), closeWithinMs);
    server.close(() => {
      clearTimeout(impatient);
      resolve();
    });
  });
}
