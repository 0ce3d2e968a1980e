// dedup from a real ingress stream to a real inbound stream, over a real Postgres: repeated, killed at each point, paused, cut off.

import {
  accountId,
  inboundSubjectOf,
  sendEvents,
  sendGroup,
  shardOf,
  sourcesOn,
  storedOn,
  testEvent,
} from "@mio/proving/kit/core/ingress.ts";
import {
  all,
  bus,
  db,
  end,
  events,
  freeze,
  inbound,
  kill,
  nats,
  recreateStream,
  server,
  sources,
  start,
  untilSettled,
  useStand,
  windowPassed,
} from "@mio/proving/kit/dedup/stand.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { describe, expect, it } from "vitest";

useStand();

describe("dedup", () => {
  it("G3, G4: publishes each event once, conversations in order", async () => {
    await start();
    const sent = [...events("a", 20), ...events("b", 20), ...events("c", 20)].sort(
      (x, y) => Number(x.source.split("-")[1]) - Number(y.source.split("-")[1]),
    );
    await sendEvents(nats, sent);
    await untilSettled(60);
    for (const conversation of ["a", "b", "c"])
      expect(await sourcesOn(bus, inbound, inboundSubjectOf(conversation))).toEqual(sources(conversation, 20));
    const [first] = await storedOn(bus, inbound, inboundSubjectOf("a"));
    expect(first?.headers.get("Nats-Msg-Id")).toBe(`inb:${accountId}:a-1`);
    expect(first?.headers.get("Mio-Origin")).toMatch(/^\d{13}\.\d+\.0$/);
  });

  it("G3: five times the same event, in one group, across groups and after a restart, is one message", async () => {
    const first = await start();
    const event = { conversation: "a", source: "a-1" };
    await sendGroup(nats, shardOf("a"), [testEvent(event), testEvent(event)]);
    await sendGroup(nats, shardOf("a"), [testEvent(event)]);
    await sendGroup(nats, shardOf("a"), [testEvent(event)]);
    await untilSettled(1);
    await end(first);
    await windowPassed();
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
    await eventually("keys of what is refused", async () => ((await db.query("select 1 from ingress_keys")).rowCount ?? 0) >= 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await kill(victim);
    await manager.streams.update(inbound, { max_msgs: -1 });
    await start();
    await eventually("all of them", async () => (await storedOn(bus, inbound, all)).length >= 9);
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
      await windowPassed();
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

  describe("of an ingress stream that is deleted and recreated", () => {
    const status = (process: Awaited<ReturnType<typeof start>>) => JSON.stringify(process.context.sections.get("dedup")?.());

    it("G2, G3, G4: while it runs, conversations go on: nothing is lost, nothing doubled", async () => {
      const running = await start();
      await sendEvents(nats, [...events("a", 10), ...events("b", 10)]);
      await untilSettled(20);
      await recreateStream(streams.ingress.name);
      // The platform repeats two, and then the conversation goes on.
      await sendEvents(nats, [...events("a", 2, 9), ...events("a", 3, 11), ...events("b", 3, 11)]);
      await untilSettled(26);
      for (const conversation of ["a", "b"])
        expect(await sourcesOn(bus, inbound, inboundSubjectOf(conversation))).toEqual(sources(conversation, 13));
      expect(status(running)).toMatch(/"stream_recreated":[1-9]/);
      expect(status(running)).toContain('"alarms":{}');
    });

    it("G2, G3, G4: between two runs, also when it has grown past the position", async () => {
      const first = await start();
      await sendEvents(nats, events("a", 3));
      await untilSettled(3);
      await end(first);
      await recreateStream(streams.ingress.name);
      await sendEvents(nats, [...events("a", 1, 3), ...events("a", 8, 4)]);
      const second = await start();
      await untilSettled(11);
      expect(await sourcesOn(bus, inbound, all)).toEqual(sources("a", 11));
      expect(status(second)).toMatch(/"stream_recreated":[1-9]/);
    });

    for (const point of ["dedup.keys_inserted", "dedup.published", "dedup.marked"]) {
      it(`G2, G3, G4: while a replica is paused at ${point}: it writes nothing of the old one and marks nothing of the new`, async () => {
        const wake = Promise.withResolvers<void>();
        const reached = Promise.withResolvers<void>();
        let paused = false;
        const sleeper = await start(async (name) => {
          if (name !== point || paused) return;
          paused = true;
          reached.resolve();
          await wake.promise;
        });
        await sendGroup(
          nats,
          shardOf("a"),
          events("a", 5).map((event) => testEvent(event)),
        );
        await reached.promise;
        const frozen = freeze(sleeper.nats);
        await recreateStream(streams.ingress.name);
        await start();
        // Nobody had an answer for the last of them, so the platform repeats it, after one that is new.
        await sendEvents(nats, events("a", 1, 6));
        await eventually("the new one", async () => (await sourcesOn(bus, inbound, all)).includes("a-6"));
        frozen.thaw();
        wake.resolve();
        await eventually("the sleeper to know", () => {
          const { partitions } = JSON.parse(status(sleeper));
          return partitions.length < 2;
        });
        await sendEvents(nats, [...events("a", 5), ...events("a", 1, 7)]);
        await eventually("the last", async () => (await sourcesOn(bus, inbound, all)).includes("a-7"));
        const found = await sourcesOn(bus, inbound, all);
        expect([...found].sort()).toEqual(sources("a", 7));
        expect(found.filter((source) => source > "a-5")).toEqual(["a-6", "a-7"]);
        await untilSettled(7);
      });
    }
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
});
