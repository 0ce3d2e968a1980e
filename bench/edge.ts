// What the edge answers on both its hosts: signed webhooks in, 200 out, each acknowledged by the bus before its answer; beside the bus alone, which takes
// messages of the same size from the same number of publishers in the same run.
import { fork } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { NatsServer } from "@mio/local/nats-server.ts";
import { testNats } from "@mio/local/testing/nats.ts";
import {
  DirectoryAccountSchema,
  DirectorySecretSchema,
  DirectorySnapshotSchema,
  DirectoryValueSchema,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import {
  accountRoute,
  directoryKeyOf,
  encodeDirectorySnapshot,
  encodeDirectoryValue,
  snapshotKey,
} from "@mio/shared/bus/directory.ts";
import { publishAcked } from "@mio/shared/bus/jetstream-api.ts";
import { buckets, streams } from "@mio/shared/bus/streams.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { connect, headers, type NatsConnection } from "nats";
import { Agent, request } from "undici";
import * as v from "valibot";
import { startLocalWorker } from "../edge/miniflare/worker.ts";
import { measure, printTable, row } from "./measure.ts";

const secret = "bench-signing-secret";
const accountId = "22222222-2222-5222-8222-222222222222";
const path = `/webhooks/slack/${accountId}`;
const conversations = 500;
const connectionCounts = [1, 32, 256];

export async function benchEdge(seconds: number): Promise<void> {
  await using server = await testNats();
  const nats = await connect({ servers: server.url, noAsyncTraces: true });
  await prepareBus(nats);
  const dataDir = await mkdtemp(join(tmpdir(), "mio-bench-"));
  const hosts: Host[] = [];
  try {
    hosts.push(await startWorkerHost(server, join(dataDir, "worker")), await startNodeHost(server, join(dataDir, "node")));
    for (const { url } of hosts) await untilAnswered(url);
    const rows: string[][] = [];
    for (const connections of connectionCounts) {
      const alone = await benchBus(nats, connections, seconds);
      rows.push(row(`${connections}: the bus alone`, alone));
      for (const { name, url } of hosts)
        rows.push(row(`${connections}: ${name}`, await benchHost(url, connections, seconds), alone));
    }
    printTable(
      `Edge: signed webhooks of ${webhook(0).body.length} bytes until their 200, ${conversations} conversations, two shards`,
      ["connections", "per second", "p50 ms", "p99 ms", "max ms", "of the bus"],
      rows,
    );
  } finally {
    for (const host of hosts) await host.stop();
    await nats.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

interface Host {
  name: string;
  url: string;
  stop(): Promise<unknown>;
}

type Server = Pick<NatsServer, "url" | "websocketUrl">;

async function startWorkerHost(server: Server, dataDir: string): Promise<Host> {
  const worker = await startLocalWorker({
    dataDir,
    natsWebsocketUrl: server.websocketUrl,
    natsUser: "edge",
    natsPassword: "",
    direct: true,
  });
  return { name: "workerd", url: worker.url, stop: () => worker.stop() };
}

async function startNodeHost(server: Server, dataDir: string): Promise<Host> {
  const env = {
    ...process.env,
    MIO_ENV: "local",
    EDGE_REGION: "local",
    NATS_URL: server.url,
    NATS_PASSWORD: "",
    MIO_HTTP_HOST: "127.0.0.1",
    MIO_HTTP_PORT: "0",
    MIO_DATA: dataDir,
  };
  // One log line a request goes nowhere, and is written all the same.
  const child = fork(join(import.meta.dirname, "../edge/src/node/main.ts"), {
    env,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "close");
  const message: unknown = await Promise.race([once(child, "message").then(([first]) => first), ended.then(() => undefined)]);
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { name: "Node", url: v.parse(v.object({ url: v.string() }), message).url, stop };
}

async function benchHost(url: string, connections: number, seconds: number) {
  const agent = new Agent({ connections, pipelining: 1 });
  const figures = await measure({ concurrency: connections, seconds }, async (index) => {
    const { statusCode, body } = await request(url + path, { ...webhook(index), dispatcher: agent });
    await body.dump();
    if (statusCode !== 200) throw new Error(`a webhook was answered ${statusCode}`);
  });
  await agent.close();
  return figures;
}

/** Publishes of an event's size, each acknowledged. */
async function benchBus(nats: NatsConnection, concurrency: number, seconds: number) {
  const bus = {
    connection: nats,
    headers,
    inboxPrefix: "_INBOX",
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
  };
  const body = new Uint8Array(webhook(0).body.length).fill(120);
  return measure({ concurrency, seconds }, async () => {
    const ack = await publishAcked(bus, "bench.bus", body, { timeoutMs: 5_000, messageId: randomUUID() });
    if (ack.kind !== "stored") throw new Error(`a publish was ${ack.kind}`);
  });
}

/** A distinct message each time, signed as the platform signs. */
function webhook(index: number) {
  const ts = `${1_700_000_000 + Math.floor(index / 1_000)}.${String(index % 1_000).padStart(6, "0")}`;
  const event = {
    type: "message",
    user: "U01SENDER001",
    text: `message ${index}`,
    ts,
    channel: `C${index % conversations}`,
    event_ts: ts,
    channel_type: "channel",
  };
  const body = JSON.stringify({
    team_id: "T01",
    api_app_id: "A01",
    event,
    type: "event_callback",
    event_id: `Ev${index}`,
    event_time: 1_700_000_000,
  });
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signature = `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
  const sent = { "content-type": "application/json", "x-slack-request-timestamp": timestamp, "x-slack-signature": signature };
  return { method: "POST" as const, headers: sent, body };
}

async function prepareBus(nats: NatsConnection): Promise<void> {
  const manager = await nats.jetstreamManager();
  await manager.streams.add({ name: streams.ingress.name, subjects: [...streams.ingress.subjects], allow_direct: true });
  await manager.streams.add({ name: "BENCH", subjects: ["bench.bus"] });
  const kv = await nats.jetstream().views.kv(buckets.directory.name, { history: 1 });
  const route = accountRoute("slack", accountId);
  const account = create(DirectoryAccountSchema, {
    tenantId: "11111111-1111-5111-8111-111111111111",
    accountId,
    channelType: "slack",
    externalId: "T01",
    homeRegion: "local",
    shardCount: 2,
    generation: 1n,
  });
  const secrets = [create(DirectorySecretSchema, { scheme: "slack-v0", value: secret, accountId })];
  await kv.put(
    directoryKeyOf(route),
    encodeDirectoryValue(create(DirectoryValueSchema, { version: 1, route, rowVersion: 1n, account, secrets })),
  );
  await kv.put(
    snapshotKey,
    encodeDirectorySnapshot(
      create(DirectorySnapshotSchema, { version: 1, completedAt: timestampFromMs(Date.now()), entries: 1n, revision: 1n }),
    ),
  );
}

async function untilAnswered(url: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (let index = -1; ; index -= 1) {
    const { statusCode, body } = await request(url + path, webhook(Math.abs(index)));
    const text = await body.text();
    if (statusCode === 200) return;
    if (performance.now() > deadline) throw new Error(`the edge still answers ${statusCode} ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
