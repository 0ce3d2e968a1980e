// A whole host with the platforms' own doors and a real bus, spoken to in bytes over sockets; what it stored is found by its trace.
import { mkdtemp, rm } from "node:fs/promises";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IngressEvent, OAuthAnswer_Outcome } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { oauthSubjects } from "@mio/shared/bus/names/subjects.ts";
import { decodeIngressEvent, decodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import { encodeOAuthAnswer } from "@mio/shared/bus/wire/oauth.ts";
import type { NatsConnection } from "../kit/bus/client.ts";
import { connectTo } from "../kit/bus/connection.ts";
import { edgeBus, operator } from "../kit/edge/bus.ts";
import type { HostKind } from "../kit/edge/host.ts";
import { eventually } from "../kit/time/eventually.ts";
import { hostileDirectory } from "./directory.ts";
import type { HostileRequest } from "./hostile-case.ts";
import type { HostileTarget } from "./target.ts";

const answerWithinMs = 8_000;

export async function hostTarget(kind: HostKind): Promise<HostileTarget & { url: string; lines: readonly string[] }> {
  await using cleanup = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  const bus = cleanup.use(await edgeBus());
  await bus.publish(hostileDirectory());
  const busUrl = kind.carrier.urlOf(kind.carrier.portOf(bus.server));
  const host = await kind.start({ dataDir, busUrl, doors: "platforms" });
  cleanup.defer(() => host.stop());
  await eventually("it is ready", async () => (await fetch(`${host.url}/health/ready`)).ok);
  const nats = await connectTo(bus.server.url, operator);
  cleanup.defer(() => nats.close());
  // Core, as far as a callback needs it: it knows nobody's.
  const stranger = encodeOAuthAnswer({ outcome: OAuthAnswer_Outcome.UNKNOWN });
  nats.subscribe(oauthSubjects, { callback: (_, message) => void message.respond(stranger) });
  await nats.flush();
  const arrived = arrivals(nats);
  const parts = cleanup.move();

  let sent = 0;
  let linesRead = host.lines.length;
  return {
    url: host.url,
    lines: host.lines,
    nowMs: Date.now,
    send: async (request) => {
      sent += 1;
      const traceId = sent.toString(16).padStart(32, "0");
      const traced: [string, string][] = [...request.headers, ["traceparent", `00-${traceId}-00000000000000ff-01`]];
      const status = await statusOf(host.url, bytesOf({ ...request, headers: traced }));
      const own = request.headers.some(([name]) => name === "traceparent");
      const stored = (await arrived()).filter(({ traceparent }) => own || traceparent.includes(traceId));
      const lines = host.lines.slice(linesRead);
      linesRead += lines.length;
      return { status, stored, lines };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** As it stands on the wire; one request a connection. */
function bytesOf({ method, target, headers, body }: HostileRequest): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, "host: edge", ...headers.map(([name, value]) => `${name}: ${value}`)];
  const length = method === "GET" || method === "HEAD" ? [] : [`content-length: ${body.length}`];
  const head = Buffer.from([...lines, ...length, "connection: close", "", ""].join("\r\n"), "utf8");
  return length.length === 0 ? head : Buffer.concat([head, body]);
}

/** Undefined when there was no answer in time. The connection's end is not waited for: miniflare leaves it open for seconds. */
function statusOf(url: string, bytes: Buffer): Promise<number | undefined> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = dial(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), answerWithinMs);
    const end = (status: number | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(status);
    };
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      // 100 Continue is no answer yet.
      const status = /^HTTP\/1\.1 ([2-9]\d\d)[\s\S]*\r\n\r\n/m.exec(answer)?.[1];
      if (status !== undefined) end(Number(status));
    });
    socket.on("error", () => {});
    socket.on("close", () => end(undefined));
  });
}

/** Events that the ingress stream took since the last call. */
function arrivals(nats: NatsConnection): () => Promise<IngressEvent[]> {
  let read = 0;
  return async () => {
    const manager = await nats.jetstreamManager();
    const { state } = await manager.streams.info(streams.ingress.name);
    const events: IngressEvent[] = [];
    for (; read < state.last_seq; read++) {
      const { data } = await manager.streams.getMessage(streams.ingress.name, { seq: read + 1 });
      const decoded = decodeIngressGroup(data);
      for (const bytes of decoded.kind === "group" ? decoded.group.events : []) {
        const event = decodeIngressEvent(bytes);
        if (event.kind === "event") events.push(event.event);
      }
    }
    return events;
  };
}
