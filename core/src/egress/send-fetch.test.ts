// What is certain about a request that failed: tested against sockets that refuse, break off, go silent and lie.
import { createServer, type Server, type Socket } from "node:net";
import { DeliveryError } from "@mio/shared/channels/contract/outbound.ts";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSendClient, type SendClient } from "./send-fetch.ts";

let client: SendClient;
let closing: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  client = createSendClient();
});
afterEach(async () => {
  await client.close();
  for (const close of closing) await close();
  closing = [];
});

/** A server that does with each connection and request text what it is told; gives its URL and the bytes that it has seen. */
async function serve(onRequest: (socket: Socket, text: string) => void, onConnect: (socket: Socket) => void = () => {}) {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnect(socket);
    socket.on("data", (data) => {
      seen.push(String(data));
      onRequest(socket, String(data));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, port, seen, sockets };
}

const answer = (body: string, head = "") => `HTTP/1.1 200 OK\r\n${head}content-length: ${body.length}\r\n\r\n${body}`;

async function call(
  url: string,
  options: { signal?: AbortSignal; refuse?: () => string | undefined; headers?: Record<string, string> } = {},
) {
  let written = 0;
  const fetch = client.fetchFor({
    signal: options.signal ?? AbortSignal.timeout(5_000),
    refuse: options.refuse ?? (() => undefined),
    written: () => {
      written += 1;
    },
  });
  const outcome = await fetch(url, { method: "POST", headers: options.headers ?? {}, body: "hello" }).then(
    async (response) => ({
      kind: "response" as const,
      status: response.status,
      text: await response.text(),
      headers: response.headers,
    }),
    (error: unknown) => {
      if (!(error instanceof DeliveryError)) throw error;
      return { kind: error.kind, code: error.code, message: error.message };
    },
  );
  return { ...outcome, written };
}

it("gives status, headers and body of a complete answer", async () => {
  const { url } = await serve((socket) => socket.write(answer("hi", "x-a: 1\r\nx-a: 2\r\n")));
  const outcome = await call(`${url}/path?query=1`);
  expect(outcome).toMatchObject({ kind: "response", status: 200, text: "hi", written: 1 });
  expect("headers" in outcome && outcome.headers.get("x-a")).toBe("1, 2");
});

it("says unavailable when no connection could be made", async () => {
  const { url, port } = await serve((socket) => socket.end());
  for (const close of closing.splice(0)) await close();
  expect(await call(url)).toMatchObject({ kind: "unavailable", written: 0 });
  expect(await call("http://name.invalid/")).toMatchObject({ kind: "unavailable", written: 0 });
  expect(await call(`https://127.0.0.1:${port}/`)).toMatchObject({ kind: "unavailable", written: 0 });
});

it("says unavailable when the connection is no TLS", async () => {
  const { port } = await serve((socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
  expect(await call(`https://127.0.0.1:${port}/`)).toMatchObject({ kind: "unavailable", written: 0 });
});

it("says unknown when the request was written and no complete answer came", async () => {
  const cases: ((socket: Socket) => void)[] = [
    (socket) => socket.destroy(),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly a part"),
    (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    (socket) => socket.end("this is not HTTP\r\n\r\n"),
    (socket) => socket.write("HTTP/1.1 999999 What\r\ncontent-length: 0\r\n\r\n"),
  ];
  for (const [index, misbehave] of cases.entries()) {
    const { url } = await serve(misbehave);
    expect(await call(url), `case ${index}`).toMatchObject({ kind: "unknown", written: 1 });
  }
});

it("says unknown at the deadline, and closes the socket", async () => {
  const { url, sockets } = await serve(() => {});
  expect(await call(url, { signal: AbortSignal.timeout(100) })).toMatchObject({ kind: "unknown", written: 1 });
  await expect.poll(() => [...sockets].every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
});

it("does not take an answer without end", async () => {
  const { url } = await serve((socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n");
    socket.write("x".repeat(3_000_000));
  });
  expect(await call(url)).toMatchObject({ kind: "unknown", written: 1 });
});

it("writes nothing when it is refused at the last moment, or was ended before", async () => {
  const { url, seen } = await serve((socket) => socket.write(answer("hi")));
  expect(await call(url, { refuse: () => "the lease has lapsed" })).toMatchObject({ kind: "unavailable", written: 0 });
  expect(await call(url, { signal: AbortSignal.abort() })).toMatchObject({ kind: "unavailable", written: 0 });
  expect(await call(url)).toMatchObject({ kind: "response" });
  expect(seen.length).toBe(1);
});

it("writes nothing when it is ended while it connects", async () => {
  const { url, seen } = await serve((socket) => socket.write(answer("hi")));
  const stop = new AbortController();
  const calling = call(url, { signal: stop.signal });
  stop.abort();
  expect(await calling).toMatchObject({ kind: "unavailable", written: 0 });
  expect(await call(url)).toMatchObject({ kind: "response" });
  expect(seen.length).toBe(1);
});

it("uses a connection again, and makes a new one after the server closed it while idle", async () => {
  let connections = 0;
  const { url, sockets } = await serve(
    (socket) => socket.write(answer("hi")),
    () => {
      connections += 1;
    },
  );
  await call(url);
  await call(url);
  expect(connections).toBe(1);
  for (const socket of sockets) socket.end();
  await expect.poll(() => [...sockets].every((socket) => socket.destroyed)).toBe(true);
  expect(await call(url)).toMatchObject({ kind: "response" });
  expect(connections).toBe(2);
});

it("does not follow redirects", async () => {
  const { url, seen } = await serve((socket) =>
    socket.write("HTTP/1.1 302 Found\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n"),
  );
  expect(await call(url)).toMatchObject({ kind: "response", status: 302 });
  expect(seen.length).toBe(1);
});

it("rejects what cannot be written as HTTP, and never tells the address", async () => {
  const { url } = await serve((socket) => socket.destroy());
  for (const bad of ["not a url", "ftp://example.org/", ""])
    expect(await call(bad)).toMatchObject({ kind: "rejected", written: 0 });
  expect(await call(url, { headers: { authorization: "two\r\nlines" } })).toMatchObject({ kind: "rejected", written: 0 });
  const failed = await call(`${url}/bot123:secret/send`);
  expect("message" in failed && failed.message).not.toContain("secret");
});
