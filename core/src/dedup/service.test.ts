// dedup from a real ingress stream to a real inbound stream, over a real Postgres: repeated, killed at each point, paused, poisoned.
import type { NatsServer } from "@mio/local/nats-server.ts";
import { testNats } from "@mio/local/testing/nats.ts";
import { type TestDatabase, testDatabase } from "@mio/local/testing/postgres.ts";
import type { Bus } from "@mio/shared/bus/connection.ts";
import { deadLetterHeaders } from "@mio/shared/bus/dead-letter.ts";
import { decodeMessage } from "@mio/shared/bus/envelope.ts";
import { encodeQuarantineEntry } from "@mio/shared/bus/ingress-group.ts";
import { streams } from "@mio/shared/bus/streams.ts";
import { ingressSubject, quarantineSubject } from "@mio/shared/bus/subjects.ts";
import { busOf, until } from "@mio/shared/bus/testing/bus.ts";
import { connect, type NatsConnection } from "nats";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { provisionBus } from "../bus/provision.ts";
import { type TestContext, testContext } from "../testing/context.ts";
import { dedup } from "./service.ts";
import {
  accountId,
  inboundSubjectOf,
  sendEvents,
  sendGroup,
  shardOf,
  sourcesOn,
  storedOn,
  type TestEvent,
  testEvent,
} from "./testing/ingress.ts";

const inbound = streams.inbound.name;
const all = "mio.inbound.>";
const config = { streamReplicas: 1, streamBytesMax: 2 * 1024 ** 3 };

let server: NatsServer;
let nats: NatsConnection;
let bus: Bus;
let database: TestDatabase;
let db: Pool;
let running: Running[] = [];

interface Running {
  context: TestContext;
  ended: Promise<void>;
  nats: NatsConnection;
}

beforeAll(async () => {
  server = await testNats();
  nats = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100, noAsyncTraces: true });
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
  await provisionBus(nats, config);
  // So short a window that nothing here can rest on it.
  await manager.streams.update(inbound, { duplicate_window: 100_000_000 });
});

afterEach(async () => {
  for (const each of [...running]) await end(each);
  await db.end();
  await database[Symbol.asyncDispose]();
});

/** A dedup process of its own, as far as the bus and the database can tell. */
async function start(checkpoint: (name: string) => Promise<void> = () => Promise.resolve()): Promise<Running> {
  const own = await connect({
    servers: server.url,
    inboxPrefix: "_INBOX_core",
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    noAsyncTraces: true,
  });
  const context = testContext({ nats: own, dsn: database.dsn, checkpoint });
  const ended = dedup.run(context);
  ended.catch(() => {});
  const process = { context, ended, nats: own };
  running.push(process);
  return process;
}

async function end(process: Running): Promise<void> {
  running = running.filter((each) => each !== process);
  process.context.stop();
  await process.ended.catch(() => {});
  await process.context[Symbol.asyncDispose]();
  await process.nats.close();
}

/** As a kill would have it: nothing more leaves the process, nothing is given back. */
async function kill(process: Running): Promise<void> {
  running = running.filter((each) => each !== process);
  await process.nats.close();
  process.context.stop();
  await process.context.db.end();
}

function events(conversation: string, count: number, from = 1): TestEvent[] {
  return Array.from({ length: count }, (_, index) => ({ conversation, source: `${conversation}-${from + index}` }));
}

function sources(conversation: string, count: number): string[] {
  return events(conversation, count).map((event) => event.source);
}

async function untilInbound(count: number): Promise<void> {
  await until(`${count} inbound messages`, async () => (await storedOn(bus, inbound, all)).length >= count);
}

/** Waits until no position moves and every key is marked. */
async function untilSettled(keys: number): Promise<void> {
  await until(`${keys} keys marked`, async () => {
    const { rows } = await db.query<{ n: number }>("select count(*)::int as n from ingress_keys where published_at is not null");
    return (rows[0]?.n ?? 0) >= keys;
  });
}

describe("dedup", () => {
  it("G3, G4: publishes each event once, conversations in order", async () => {
    await start();
    const sent = [...events("a", 20), ...events("b", 20), ...events("c", 20)].sort(
      (x, y) => Number(x.source.split("-")[1]) - Number(y.source.split("-")[1]),
    );
    await sendEvents(nats, sent);
    await untilInbound(60);
    for (const conversation of ["a", "b", "c"])
      expect(await sourcesOn(bus, inbound, inboundSubjectOf(conversation))).toEqual(sources(conversation, 20));
    const [first] = await storedOn(bus, inbound, inboundSubjectOf("a"));
    expect(first?.headers.get("Nats-Msg-Id")).toBe(`inb:${accountId}:a-1`);
    expect(first?.headers.get("Mio-Origin")).toMatch(/^1\.\d+\.0$/);
  });

  it("G3: five times the same event, in one group, across groups and after a restart, is one message", async () => {
    const first = await start();
    const event = { conversation: "a", source: "a-1" };
    await sendGroup(nats, shardOf("a"), [testEvent(event), testEvent(event)]);
    await sendGroup(nats, shardOf("a"), [testEvent(event)]);
    await sendGroup(nats, shardOf("a"), [testEvent(event)]);
    await untilSettled(1);
    await end(first);
    // Well past the dedupe window of this stream.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await start();
    await sendGroup(nats, shardOf("a"), [testEvent(event)]);
    await sendEvents(nats, [{ conversation: "a", source: "a-2" }]);
    await untilSettled(2);
    expect(await sourcesOn(bus, inbound, all)).toEqual(["a-1", "a-2"]);
  });

  it("G2, G4: claim is not commit: keys whose publish was refused are published by the next owner", async () => {
    const victim = await start();
    await sendEvents(nats, events("a", 1));
    await untilSettled(1);
    const manager = await nats.jetstreamManager();
    // Full: the broker refuses, after the keys are in the table.
    await manager.streams.update(inbound, { max_msgs: 1 });
    await sendEvents(nats, [...events("a", 4, 2), ...events("b", 4)]);
    await until("keys of what is refused", async () => ((await db.query("select 1 from ingress_keys")).rowCount ?? 0) >= 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await kill(victim);
    await manager.streams.update(inbound, { max_msgs: -1 });
    await start();
    await until("all of them", async () => (await storedOn(bus, inbound, all)).length >= 9);
    for (const [conversation, count] of [
      ["a", 5],
      ["b", 4],
    ] as const)
      expect(await sourcesOn(bus, inbound, inboundSubjectOf(conversation))).toEqual(sources(conversation, count));
  });

  for (const point of ["dedup.keys_inserted", "dedup.published", "dedup.marked", "dedup.position_moved"]) {
    it(`G2, G3, G4: killed at ${point}, another finishes the work, once and in order`, async () => {
      const reached = Promise.withResolvers<void>();
      const victim = await start(async (name) => {
        if (name !== point) return;
        reached.resolve();
        await new Promise(() => {});
      });
      await sendEvents(nats, [...events("a", 10), ...events("b", 10)]);
      await reached.promise;
      await kill(victim);
      await start();
      await sendEvents(nats, [...events("a", 5, 11), ...events("b", 5, 11)]);
      await untilSettled(30);
      for (const conversation of ["a", "b"])
        expect(await sourcesOn(bus, inbound, inboundSubjectOf(conversation))).toEqual(sources(conversation, 15));
    });

    it(`G3, G4: paused at ${point} while another takes over and works on, it repeats nothing when it wakes`, async () => {
      const wake = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      let paused = false;
      const sleeper = await start(async (name) => {
        if (name !== point || paused) return;
        paused = true;
        reached.resolve();
        await wake.promise;
      });
      await sendEvents(nats, events("a", 10));
      await reached.promise;
      // A pause stops its heartbeats too, and all that it would have sent.
      const frozen = freeze(sleeper.nats);
      await start();
      await sendEvents(nats, events("a", 10, 11));
      await untilSettled(20);
      await new Promise((resolve) => setTimeout(resolve, 300));
      frozen.thaw();
      wake.resolve();
      await sendEvents(nats, events("a", 5, 21));
      await untilSettled(25);
      expect(await sourcesOn(bus, inbound, inboundSubjectOf("a"))).toEqual(sources("a", 25));
    });
  }

  it("G2, G3, G4: two replicas, one stopped and one killed in the middle, server killed as well", async () => {
    const [first, second] = [await start(), await start()];
    const conversations = ["a", "b", "c", "d", "e", "f"];
    const per = 60;
    const sending = (async () => {
      for (let index = 1; index <= per; index += 1) {
        for (const conversation of conversations) {
          const event = { conversation, source: `${conversation}-${index}` };
          for (let sent = false; !sent; )
            sent = await sendGroup(nats, shardOf(conversation), [testEvent(event)]).then(
              () => true,
              () => false,
            );
        }
        if (index === 15) await end(first);
        if (index === 25) {
          await server.kill();
          await server.restart();
        }
        if (index === 35) await start();
        if (index === 45) await kill(second);
      }
    })();
    await sending;
    await untilSettled(conversations.length * per);
    for (const conversation of conversations)
      expect(await sourcesOn(bus, inbound, inboundSubjectOf(conversation))).toEqual(sources(conversation, per));
  });

  it("G2, G3, G4: its database connections cut again and again", async () => {
    await start();
    const sending = (async () => {
      for (const event of events("a", 120)) await sendEvents(nats, [event]);
    })();
    for (let cuts = 0; cuts < 10; cuts += 1) {
      await db.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await sending;
    await untilSettled(120);
    expect(await sourcesOn(bus, inbound, all)).toEqual(sources("a", 120));
  });

  it("G3: a key that was seen from another record is searched for, and published only if it is not there", async () => {
    await start();
    await sendEvents(nats, events("a", 3));
    await untilSettled(3);
    // As after a reset of positions or a move between shards: seen elsewhere, one published and one not.
    await db.query("update ingress_keys set published_at = null, ingress_sequence = 7777 where source_message_id = 'a-1'");
    await db.query(
      "insert into ingress_keys select event_day, account_id, 'a-9', tenant_id, channel_type, conversation_id, conversation_external_id, sender_external_id, message_id, 1, 7777, 0, null, now(), null from ingress_keys where source_message_id = 'a-2'",
    );
    await sendEvents(nats, [
      { conversation: "a", source: "a-1" },
      { conversation: "a", source: "a-9" },
    ]);
    await untilSettled(4);
    expect(await sourcesOn(bus, inbound, all)).toEqual(["a-1", "a-2", "a-3", "a-9"]);
  });

  it("marks what waited in the spool, and keeps undated and ancient events apart", async () => {
    await start();
    await sendGroup(
      nats,
      shardOf("a"),
      [
        testEvent({ conversation: "a", source: "a-1", eventDay: "" }),
        testEvent({ conversation: "a", source: "a-2", eventDay: "2011-02-03" }),
        testEvent({ conversation: "a", source: "a-3", eventDay: "2026-02-30" }),
      ],
      { spooled: true },
    );
    await untilSettled(3);
    for (const stored of await storedOn(bus, inbound, all))
      expect(decodeMessage(stored.data)).toMatchObject({ message: { edge: { spooled: true } } });
    const { rows } = await db.query("select event_day::text as day, source_message_id as source from ingress_keys order by 2");
    expect(rows).toEqual([
      { day: "0001-01-01", source: "a-1" },
      { day: "2011-02-03", source: "a-2" },
      { day: "0001-01-01", source: "a-3" },
    ]);
  });

  it("forwards quarantine entries, each once", async () => {
    await start();
    const entry = { version: 1, id: "q-1", channelType: "slack", reason: "no account", body: new Uint8Array([1]) };
    const event = testEvent({ conversation: "a", source: "a-1" }, (fields) => {
      fields.subject = "mio.quarantine.slack";
      fields.body = {
        case: "quarantine",
        value: {
          $typeName: "mio.edge.v1.QuarantineEntry",
          tenantId: "",
          accountId: "",
          conversationId: "",
          conversationExternalId: "",
          senderExternalId: "",
          method: "POST",
          path: "/",
          headers: {},
          region: "local",
          workspaceExternalId: "",
          ...entry,
        },
      };
    });
    await sendGroup(nats, 0, [event, event]);
    await sendGroup(nats, 0, [event]);
    await sendEvents(nats, [{ conversation: "a", source: "a-2" }]);
    await untilSettled(1);
    const kept = await storedOn(bus, streams.quarantine.name, "mio.quarantine.>");
    expect(kept.map((each) => each.subject)).toEqual([quarantineSubject("slack", "q-1")]);
    expect(encodeQuarantineEntry({ ...entry, method: "POST", path: "/", region: "local" })).toEqual(
      new Uint8Array(kept[0]?.data ?? []),
    );
  });

  it("keeps poison as dead letters with their scopes, and goes on behind it", async () => {
    await start();
    const other = testEvent({ conversation: "z", source: "z-1" });
    const spoiled = [
      testEvent({ conversation: "a", source: "bad-1" }, (fields) => {
        fields.subject = inboundSubjectOf("b");
      }),
      testEvent({ conversation: "a", source: "bad-2" }, (fields) => {
        fields.body = { case: "message", value: new Uint8Array([255, 255, 255]) };
      }),
      testEvent({ conversation: "a", source: "bad-3" }, (fields) => {
        fields.sourceMessageId = "another";
      }),
      testEvent({ conversation: "a", source: "bad\0-4" }),
      testEvent({ conversation: "a", source: "x".repeat(2_000) }),
      testEvent({ conversation: "a", source: "bad-6" }, (fields) => {
        fields.subject = "mio.outbound.slack.a.b";
      }),
      new Uint8Array([1, 2, 3]),
    ];
    await sendGroup(nats, shardOf("a"), [...spoiled, testEvent({ conversation: "a", source: "a-1" })]);
    await nats.jetstream().publish(ingressSubject("local", 0), new Uint8Array([9, 9, 9]));
    await nats.jetstream().publish(ingressSubject("local", 1), new Uint8Array(0));
    // A group that stands on another shard's subject.
    const { testGroup } = await import("./testing/ingress.ts");
    await nats.jetstream().publish(ingressSubject("local", 1), testGroup(0, [other]));
    await sendEvents(nats, [
      { conversation: "a", source: "a-2" },
      { conversation: "b", source: "b-1" },
    ]);
    await untilSettled(3);
    await until(
      "ten dead letters",
      async () => (await storedOn(bus, streams.deadLetter.name, "mio.dead_letter.dedup.>")).length === 10,
    );
    expect((await sourcesOn(bus, inbound, all)).sort()).toEqual(["a-1", "a-2", "b-1"]);
    const letters = await storedOn(bus, streams.deadLetter.name, "mio.dead_letter.dedup.>");
    const first = letters.find((letter) => letter.headers.get(deadLetterHeaders.reason).includes("conversation_id differs"));
    expect(first?.headers.get(deadLetterHeaders.accountId)).toBe(accountId);
    expect(first?.headers.get(deadLetterHeaders.senderExternalId)).toBe("U1");
  });

  it("leaves what a newer edge wrote, alarms, and goes on with other partitions", async () => {
    const { context } = await start();
    await sendEvents(nats, [{ conversation: "a", source: "a-1" }]);
    await untilSettled(1);
    const shard = shardOf("a");
    const newer = new Uint8Array([8, 2]);
    await nats.jetstream().publish(ingressSubject("local", shard), newer);
    await sendEvents(nats, [{ conversation: "a", source: "a-2" }]);
    const elsewhere = ["b", "c", "d", "e"].find((name) => shardOf(name) !== shard) ?? "";
    await sendEvents(nats, [{ conversation: elsewhere, source: "other-1" }]);
    await untilSettled(2);
    await until("an alarm", () => JSON.stringify(context.sections.get("dedup")?.()).includes("newer edge"));
    expect(await sourcesOn(bus, inbound, inboundSubjectOf("a"))).toEqual(["a-1"]);
  });

  it("gives its partitions back when it stops, so that another goes on at once", async () => {
    const first = await start();
    await sendEvents(nats, events("a", 3));
    await untilSettled(3);
    await end(first);
    const startedMs = performance.now();
    await start();
    await sendEvents(nats, events("a", 1, 4));
    await untilSettled(4);
    expect(performance.now() - startedMs).toBeLessThan(900);
  });

  it("counts what the dashboards know", async () => {
    const { context } = await start();
    await sendEvents(nats, [
      { conversation: "a", source: "a-1" },
      { conversation: "a", source: "a-1" },
    ]);
    await until("a duplicate", async () =>
      (await context.metrics.metrics()).includes('mio_idempotency_dedup_total{channel_type="slack",outcome="duplicate"} 1'),
    );
    const text = await context.metrics.metrics();
    expect(text).toContain('mio_gateway_inbound_total{channel_type="slack",direction="inbound",outcome="published"} 1');
    expect(text).toContain("mio_gateway_inbound_latency_seconds_count");
  });
});

/** Holds back all that a connection would send, as a paused process does; what was held leaves when it thaws. */
function freeze(connection: NatsConnection): { thaw(): void } {
  const protocol = Reflect.get(connection, "protocol");
  const flush = protocol.flushPending.bind(protocol);
  const processPing = Reflect.get(protocol, "prePing");
  protocol.flushPending = () => {};
  return {
    thaw: () => {
      protocol.flushPending = flush;
      void processPing;
      flush();
    },
  };
}
