// An account is moved to other shards and another region while its webhooks come in, with hosts killed and the bus cut off meanwhile: from the
// platform's POST, through each host of the edge and the real core, to the inbound stream.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { admin } from "@mio/core/admin/service.ts";
import { provisionBus } from "@mio/core/bus/provision.ts";
import { moveAccount, readMove } from "@mio/core/control/accounts/move.ts";
import { createAccount } from "@mio/core/control/accounts/operation.ts";
import { createTenant } from "@mio/core/control/tenants/operation.ts";
import { dedup } from "@mio/core/dedup/service.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { type AccountId, conversationIdOf } from "@mio/shared/ids.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { busOf } from "../kit/bus/bus.ts";
import type { NatsConnection } from "../kit/bus/client.ts";
import { connectTo } from "../kit/bus/connection.ts";
import { type TestContext, testContext } from "../kit/core/context.ts";
import { sourcesOn } from "../kit/core/ingress.ts";
import { testDatabase } from "../kit/database/postgres.ts";
import { testControl } from "../kit/database/secrets.ts";
import { type EdgeBus, edgeBus, operator } from "../kit/edge/bus.ts";
import type { TestHost } from "../kit/edge/host.ts";
import { nodeHost } from "../kit/edge/node-host.ts";
import { worker } from "../kit/edge/worker.ts";
import { sampleChannel, samplePayload } from "../kit/sample-channel/inbound.ts";
import { eventually } from "../kit/time/eventually.ts";
import { type Wire, wireTo } from "../kit/wire/wire.ts";

const rooms = Array.from({ length: 20 }, (_, index) => `room-${index}`);
/** Each room says the next thing as soon as the last was answered, but not sooner than this. */
const paceMs = 80;
/** A platform would wait for longer; this shows how long it would have had to. */
const retryMs = 100;

interface Said {
  room: string;
  count: number;
  /** The longest time that it was answered 503 because it was being moved. */
  movingMs: number;
}

describe.each([worker, nodeHost])("moving an account, at $name", (kind) => {
  let bus: EdgeBus;
  let wire: Wire;
  let nats: NatsConnection;
  let database: Awaited<ReturnType<typeof testDatabase>>;
  let core: TestContext;
  let running: Promise<unknown>;
  let host: TestHost;
  let dataDir: string;
  let accountId: AccountId;

  const start = () => kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port) });

  beforeEach(async () => {
    [bus, database, dataDir] = await Promise.all([edgeBus(), testDatabase(), mkdtemp(join(tmpdir(), "mio-moving-"))]);
    wire = await wireTo(kind.carrier.portOf(bus.server));
    nats = await connectTo(bus.server.url, operator);
    await bus.deleteIngress();
    await provisionBus(nats, { streamReplicas: 1, streamBytesMax: 2 * 1024 ** 3 });
    core = testContext({ nats, dsn: database.dsn });
    await createTenant(testControl(core.db), "acme");
    const verification = [{ scheme: "sample", value: "s1" }];
    const wanted = { tenant: "acme", channelType: sampleChannel, externalId: "W1", verification };
    accountId = (await createAccount(testControl(core.db), wanted, [sampleChannel])).account.id as AccountId;
    running = Promise.all([admin.run(core), dedup.run(core)]);
    host = await start();
    await eventually("the account is known", async () => (await post("hello", 0)).outcome === "accepted");
  });

  afterEach(async () => {
    await host?.stop().catch(() => {});
    core?.stop();
    await running;
    await core?.[Symbol.asyncDispose]();
    await nats?.close();
    await wire?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function post(room: string, n: number): Promise<{ status: number; outcome: string | null }> {
    const body = samplePayload({ type: "say", workspace: "W1", events: [{ to: room, id: String(n), text: "x" }] });
    const headers = { "x-sample-secret": "s1" };
    const response = await fetch(`${host.url}/webhooks/sample-chat`, { method: "POST", body, headers });
    await response.text();
    return { status: response.status, outcome: response.headers.get("x-sample-outcome") };
  }

  /** Speaks until it is told to stop; each thing again until it is answered 200. */
  async function speak(room: string, stop: AbortSignal): Promise<Said> {
    const said: Said = { room, count: 0, movingMs: 0 };
    while (!stop.aborted) {
      const sentAtMs = performance.now();
      let refusedAtMs: number | undefined;
      for (;;) {
        const status = await post(room, said.count).then(
          (answer) => answer.status,
          () => 0,
        );
        if (status === 200) break;
        if (status === 503) refusedAtMs ??= performance.now();
        await delay(retryMs);
      }
      if (refusedAtMs !== undefined) said.movingMs = Math.max(said.movingMs, performance.now() - refusedAtMs);
      said.count += 1;
      answered += 1;
      await delay(Math.max(0, paceMs - (performance.now() - sentAtMs)));
    }
    return said;
  }

  let answered = 0;
  /** Resolves when so many more webhooks were answered 200. */
  const more = (count: number) => {
    const enough = answered + count;
    return eventually(`${count} more webhooks`, () => answered >= enough, 60_000);
  };

  async function underLoad(work: () => Promise<void>): Promise<Said[]> {
    const stop = new AbortController();
    const speaking = rooms.map((room) => speak(room, stop.signal));
    try {
      await work();
    } finally {
      stop.abort();
    }
    return Promise.all(speaking);
  }

  const isOver = async () => {
    const { closed_by: closedBy, waits_for: waitsFor } = await readMove(core.db, { id: accountId });
    return closedBy.includes("local") && waitsFor.length === 0;
  };
  const over = () => eventually("the move is over", isOver, 30_000);
  const shardsFed = async () => {
    const manager = await nats.jetstreamManager();
    const info = await manager.streams.info(streams.ingress.name, { subjects_filter: "mio.ingress.>" });
    return Object.keys(info.state.subjects ?? {}).sort();
  };

  /** Every room's events exactly once and in their order. */
  async function expectAll(said: readonly Said[]): Promise<void> {
    const reader = busOf(nats, "_INBOX");
    for (const { room, count } of said) {
      const conversationId = conversationIdOf(accountId, room);
      const subject = subjectOf({ direction: "inbound", channelType: sampleChannel, accountId, conversationId });
      const all = Array.from({ length: count }, (_, n) => `${room}:${n}`);
      const read = () => sourcesOn(reader, streams.inbound.name, subject);
      await eventually(`all of ${room} arrived`, async () => (await read()).length >= count, 60_000);
      expect(await read()).toEqual(all);
    }
  }

  function report(what: string, said: readonly Said[], startedMs: number): void {
    const count = said.reduce((sum, each) => sum + each.count, 0);
    const longestMs = Math.max(...said.map((each) => each.movingMs));
    const rate = Math.round((count * 1_000) / (performance.now() - startedMs));
    console.log(
      `${kind.name}: ${what}: ${count} webhooks at ${rate}/s, a conversation was answered 503 for ${Math.round(longestMs)} ms at most`,
    );
  }

  it("G2, G3, G4: loses, doubles and reorders nothing from 2 to 3 shards and to another region, under load", async () => {
    const startedMs = performance.now();
    const said = await underLoad(async () => {
      await more(300);
      await moveAccount(testControl(core.db), accountId, { shards: 3 });
      await over();
      await more(300);
      await moveAccount(testControl(core.db), accountId, { region: "us" });
      await over();
      await more(300);
    });
    report("2 to 3 shards, then another region", said, startedMs);
    await expectAll(said);
    expect(await shardsFed()).toEqual(
      ["local.0", "local.1", "local.2", "us.0", "us.1", "us.2"].map((each) => `mio.ingress.${each}`),
    );
  }, 120_000);

  it("G2, G3, G4: neither when the host is killed and the bus is cut off in the middle of moves", async () => {
    const startedMs = performance.now();
    const said = await underLoad(async () => {
      await more(100);
      wire.cut();
      await more(100);
      // What is said now lies in spools that the move has to wait for.
      await moveAccount(testControl(core.db), accountId, { shards: 3 });
      await more(50);
      wire.mend();
      await more(20);
      await host.kill();
      host = await start();
      await over();
      await moveAccount(testControl(core.db), accountId, { region: "us", shards: 2 });
      await more(30);
      wire.cut();
      await more(30);
      wire.mend();
      await host.kill();
      host = await start();
      await over();
      await more(100);
    });
    report("two moves with two kills and two cuts", said, startedMs);
    await expectAll(said);
  }, 120_000);
});
