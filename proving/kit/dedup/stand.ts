// One dedup process after another on a real bus and a real database, to be killed, paused and fed.

import { join } from "node:path";
import { provisionBus } from "@mio/core/bus/provision.ts";
import { dedup } from "@mio/core/dedup/service.ts";
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { busOf } from "../bus/bus.ts";
import type { NatsConnection } from "../bus/client.ts";
import { connectTo } from "../bus/connection.ts";
import { dedupeWindowPassed } from "../bus/dedupe-window.ts";
import { testNats } from "../bus/nats.ts";
import { type Child, startChildProcess } from "../core/child-process.ts";
import { type TestContext, testContext } from "../core/context.ts";
import type { TestEvent } from "../core/ingress.ts";
import { type TestDatabase, testDatabase } from "../database/postgres.ts";
import { eventually } from "../time/eventually.ts";

export const inbound = streams.inbound.name;
export const all = "mio.inbound.>";
const config = { streamReplicas: 1, streamBytesMax: 2 * 1024 ** 3 };

export let server: NatsServer;
export let nats: NatsConnection;
export let bus: Bus;
let database: TestDatabase;
export let db: Pool;
let running: Running[] = [];
const children: Child[] = [];

interface Running {
  context: TestContext;
  ended: Promise<void>;
  nats: NatsConnection;
}

/** Call once at the head of a test file: a server for the file, and fresh streams and a fresh database for each test. */
export function useStand(): void {
  beforeAll(async () => {
    server = await testNats();
    nats = await connectTo(server.url);
    bus = busOf(nats, "_INBOX");
  });

  afterAll(async () => {
    await nats?.close();
    await server?.[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    database = await testDatabase();
    db = new Pool({ connectionString: database.dsn, max: 4 });
    db.on("error", () => {});
    const manager = await nats.jetstreamManager();
    for await (const stream of manager.streams.list()) await manager.streams.delete(stream.config.name);
    await provision();
  });

  afterEach(async () => {
    for (const each of [...running]) await end(each);
    await Promise.all(children.splice(0).map((child) => child.stop()));
    await db.end();
    await database[Symbol.asyncDispose]();
  });
}

/** Only now can nothing rest on the broker's dedupe window any more. */
export const windowPassed = () => dedupeWindowPassed(nats, inbound, "mio.inbound.forgotten");

/**
 * Deletes a stream with all that it holds and creates it again, as an operator may. Provisioning gives inbound its usual window back for a
 * moment, so nothing may be left that it could remember.
 */
export async function recreateStream(stream: string): Promise<void> {
  await windowPassed();
  await (await nats.jetstreamManager()).streams.delete(stream);
  await provision();
}

/** With so short a dedupe window that nothing here can rest on it. */
async function provision(): Promise<void> {
  await provisionBus(nats, config);
  await (await nats.jetstreamManager()).streams.update(inbound, { duplicate_window: 100_000_000 });
}

/** A dedup process of its own, as far as the bus and the database can tell. */
export async function start(checkpoint: (name: string) => Promise<void> = () => Promise.resolve()): Promise<Running> {
  const own = await connectTo(server.url, { inboxPrefix: "_INBOX_core" });
  const context = testContext({ nats: own, dsn: database.dsn, checkpoint });
  const ended = dedup.run(context);
  ended.catch(() => {});
  const process = { context, ended, nats: own };
  running.push(process);
  return process;
}

/** dedup under a pid of its own. `checkpoint` is of the form of MIO_CHECKPOINT. */
export function startChild(checkpoint: string): Child {
  const child = startChildProcess(join(import.meta.dirname, "child.ts"), { url: server.url, dsn: database.dsn, checkpoint });
  children.push(child);
  return child;
}

export async function end(process: Running): Promise<void> {
  running = running.filter((each) => each !== process);
  process.context.stop();
  await process.ended.catch(() => {});
  await process.context[Symbol.asyncDispose]();
  await process.nats.close();
}

/** As a kill would have it: nothing more leaves the process, nothing is given back. */
export async function kill(process: Running): Promise<void> {
  running = running.filter((each) => each !== process);
  await process.nats.close();
  process.context.stop();
  await process.context.db.end();
}

export function events(conversation: string, count: number, from = 1): TestEvent[] {
  return Array.from({ length: count }, (_, index) => ({ conversation, source: `${conversation}-${from + index}` }));
}

export function sources(conversation: string, count: number): string[] {
  return events(conversation, count).map((event) => event.source);
}

/** Waits until no position moves and every key is marked. */
export async function untilSettled(keys: number): Promise<void> {
  await eventually(`${keys} keys marked`, async () => {
    const { rows } = await db.query<{ n: number }>("select count(*)::int as n from ingress_keys where published_at is not null");
    return (rows[0]?.n ?? 0) >= keys;
  });
}

/** Holds back all that a connection would send, as a paused process does; what was held leaves when it thaws. */
export function freeze(connection: NatsConnection): { thaw(): void } {
  const protocol = Reflect.get(connection, "protocol");
  const flush = protocol.flushPending.bind(protocol);
  protocol.flushPending = () => {};
  return {
    thaw: () => {
      protocol.flushPending = flush;
      flush();
    },
  };
}
