// The HTTP server alone, spoken to in bytes: what clients do that no client library would.
import { connect } from "node:net";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import type { PlatformAnswer } from "@mio/shared/channels/contract/inbound.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Body, readBody } from "../../webhook/body.ts";
import type { IncomingWebhook } from "../../webhook/webhook.ts";
import { type HttpServer, httpBounds, serveHttp } from "./http.ts";

const bounds = { ...httpBounds, headersWithinMs: 150, requestWithinMs: 300, lookEveryMs: 30, unreadWithinMs: 1_500 };

let server: HttpServer;
let seen: { method: string; url: string; headers: Record<string, string>; body: string }[];
let release: (() => void) | undefined;

/** As a `fetch`, and as the shorter way of webhooks: both behave alike. */
const ways = {
  fetch: undefined,
  webhook: (_: string, incoming: IncomingWebhook) => (incoming.method === "POST" ? echo(incoming, incoming.body()) : undefined),
};

afterEach(() => server.close());

async function echoFetch(request: Request): Promise<Response> {
  const { status: code, headers, body } = await echo(request, readBody(request));
  return new Response(body, { status: code, headers });
}

async function echo(
  { method, url, headers }: Pick<IncomingWebhook, "method" | "url" | "headers">,
  incoming: Body | Promise<Body>,
): Promise<PlatformAnswer> {
  const body = await incoming;
  if (body.kind !== "body") return { status: 413, headers: {}, body: "too large\n" };
  const text = Buffer.from(body.bytes).toString("latin1");
  seen.push({ method, url, headers: { "x-double": headers.get("X-Double") ?? "" }, body: text });
  if (new URL(url).pathname === "/wait") {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  }
  // More than the kernel keeps for a client that does not read.
  const filling = new URL(url).pathname === "/large" ? "x".repeat(16 * 1024 * 1024) : "";
  return { status: 200, headers: { "x-answer": "yes" }, body: `✓ ${text.length}${filling}` };
}

/** What came back until the server closed the connection, or until `until` stands in it. */
function speak(bytes: string | Buffer, until?: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.on("data", (data) => {
      answer += data.toString("utf8");
      if (until !== undefined && answer.includes(until)) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

const status = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const post = (path: string, body: string, ...headers: string[]) =>
  [`POST ${path} HTTP/1.1`, "host: edge", `content-length: ${body.length}`, ...headers, "", body].join("\r\n");

describe.each(["fetch", "webhook"] as const)("the HTTP server in front of a %s", (way) => {
  beforeEach(async () => {
    seen = [];
    release = undefined;
    const webhook = ways[way];
    server = await serveHttp(echoFetch, { host: "127.0.0.1", port: 0, bounds, ...(webhook ? { webhook } : {}) });
  });

  it("G11: hands over method, path, headers and the body's own bytes, and answers with its length", async () => {
    const answer = await speak(post("/a%20b?c=%27", "\x00\xff", "x-double: 1", "X-Double: 2", "content-type: text/plain"), "✓ 2");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.toLowerCase()).toMatch(/\r\ncontent-length: 5\r\n/);
    expect(answer).toMatch(/x-answer: yes/);
    expect(seen).toMatchObject([
      { method: "POST", url: "http://edge/a%20b?c=%27", headers: { "x-double": "1, 2" }, body: "\x00\xff" },
    ]);
  });

  it("takes one request after the other on a connection, also when they come at once", async () => {
    await speak(post("/1", "a") + post("/2", "b") + post("/3", "c", "connection: close"));
    expect(seen.map(({ url, body }) => [new URL(url).pathname, body])).toEqual([
      ["/1", "a"],
      ["/2", "b"],
      ["/3", "c"],
    ]);
  });

  it.each([
    ["nothing at all", ""],
    ["half a request line", "POST /sl"],
    ["headers without an end", "POST / HTTP/1.1\r\nhost: edge\r\nx-a: b\r\n"],
    ["a body that stays short", "POST / HTTP/1.1\r\nhost: edge\r\ncontent-length: 10\r\n\r\nabc"],
    ["chunks without an end", "POST / HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"],
  ])("cuts off a client that sends %s", { timeout: 5_000 }, async (_, bytes) => {
    expect(await speak(bytes)).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(seen).toEqual([]);
  });

  it("refuses what is no request for a path of ours", async () => {
    const odd: [number, string][] = [
      [400, "GET http://elsewhere/ HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n"],
      [400, "OPTIONS * HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n"],
      [400, "GET / HTTP/1.1\r\nhost: a b<>\r\nconnection: close\r\n\r\n"],
      [400, "TRACE / HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n"],
      [400, "GET / HTTP/1.1\r\n\r\n"],
      [400, "nonsense\r\n\r\n"],
      [400, "POST / HTTP/1.1\r\nhost: edge\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
      [431, `GET / HTTP/1.1\r\nhost: edge\r\nx-large: ${"x".repeat(20_000)}\r\n\r\n`],
    ];
    for (const [expected, bytes] of odd)
      expect([bytes.slice(0, 30), status(await speak(bytes))]).toEqual([bytes.slice(0, 30), expected]);
    expect(seen).toEqual([]);
  });

  it("answers 413 and closes when a body is too large, by its length or by its bytes", async () => {
    const large = Buffer.alloc(3 * 1024 * 1024, "x");
    const head = `POST / HTTP/1.1\r\nhost: edge\r\n`;
    const byLength = await speak(Buffer.concat([Buffer.from(`${head}content-length: ${large.length}\r\n\r\n`), large]));
    const chunk = Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n`);
    const byBytes = await speak(Buffer.concat([chunk, large, Buffer.from("\r\n0\r\n\r\n")]));
    expect([status(byLength), status(byBytes)]).toEqual([413, 413]);
    expect(seen).toEqual([]);
  });

  it("G2: cuts off a client that never reads its answer", async () => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    socket.write(post("/large", "x"));
    await eventually("it was answered", () => seen.length === 1);
    expect(await server.connections()).toBe(1);
    await eventually("it is cut off", async () => (await server.connections()) === 0);
    socket.destroy();
  });

  it("forgets a request whose client goes away in the middle of it", async () => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: edge\r\ncontent-length: 10\r\n\r\nabc", () => socket.resetAndDestroy());
    await new Promise((resolve) => socket.once("close", resolve));
    expect(status(await speak(post("/", "next", "connection: close")))).toBe(200);
    expect(seen.map(({ body }) => body)).toEqual(["next"]);
  });

  it("closing: answers what is in hand, closes its connection, and takes nothing new", async () => {
    const answered = speak(post("/wait", "in hand"));
    const letGo = await eventually("the request is in hand", () => release);
    const closed = server.close();
    expect(await speak(post("/", "too late"))).toBe("");
    letGo();
    expect(await answered).toMatch(/200 OK.*connection: close.*✓ 7/is);
    await closed;
    expect(seen.map(({ body }) => body)).toEqual(["in hand"]);
  });

  it("says in one line that its port is taken", async () => {
    const port = Number(new URL(server.url).port);
    await expect(serveHttp(echoFetch, { host: "127.0.0.1", port })).rejects.toThrow(`port ${port} is in use; set MIO_HTTP_PORT`);
  });
});
