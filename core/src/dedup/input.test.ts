// What dedup does with what it should not be given: poison, other versions, odd days, quarantine; and what it counts.

import {
  accountId,
  inboundSubjectOf,
  sendEvents,
  sendGroup,
  shardOf,
  sourcesOn,
  storedOn,
  testEvent,
  testGroup,
} from "@mio/proving/kit/core/ingress.ts";
import { all, bus, db, inbound, nats, start, untilSettled, useStand } from "@mio/proving/kit/dedup/stand.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { ingressSubject, quarantineSubject } from "@mio/shared/bus/names/subjects.ts";
import { decodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { encodeQuarantineEntry } from "@mio/shared/bus/wire/ingress-group.ts";
import { deadLetterHeaders } from "@mio/shared/bus/write/dead-letter.ts";
import { describe, expect, it } from "vitest";

useStand();

describe("dedup, given what it should not be given", () => {
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
    const entry = { version: 1, id: "q-1", channelType: "alpha", reason: "no account", body: new Uint8Array([1]) };
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
          verifiedBy: "",
          ...entry,
        },
      };
    });
    await sendGroup(nats, 0, [event, event]);
    await sendGroup(nats, 0, [event]);
    await sendEvents(nats, [{ conversation: "a", source: "a-2" }]);
    await untilSettled(1);
    const kept = await storedOn(bus, streams.quarantine.name, "mio.quarantine.>");
    expect(kept.map((each) => each.subject)).toEqual([quarantineSubject("alpha", "q-1")]);
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
        fields.subject = "mio.outbound.alpha.a.b";
      }),
      new Uint8Array([1, 2, 3]),
    ];
    await sendGroup(nats, shardOf("a"), [...spoiled, testEvent({ conversation: "a", source: "a-1" })]);
    await nats.jetstream().publish(ingressSubject("local", 0), new Uint8Array([9, 9, 9]));
    await nats.jetstream().publish(ingressSubject("local", 1), new Uint8Array(0));
    // A group that stands on another shard's subject.
    await nats.jetstream().publish(ingressSubject("local", 1), testGroup(0, [other]));
    await sendEvents(nats, [
      { conversation: "a", source: "a-2" },
      { conversation: "b", source: "b-1" },
    ]);
    await untilSettled(3);
    await eventually(
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
    await eventually("an alarm", () => JSON.stringify(context.sections.get("dedup")?.()).includes("newer edge"));
    expect(await sourcesOn(bus, inbound, inboundSubjectOf("a"))).toEqual(["a-1"]);
  });

  it("counts what the dashboards know", async () => {
    const { context } = await start();
    await sendEvents(nats, [
      { conversation: "a", source: "a-1" },
      { conversation: "a", source: "a-1" },
    ]);
    await eventually("a duplicate", async () =>
      (await context.metrics.metrics()).includes('mio_idempotency_dedup_total{channel_type="alpha",outcome="duplicate"} 1'),
    );
    const text = await context.metrics.metrics();
    expect(text).toContain('mio_dedup_events_total{channel_type="alpha",direction="inbound",outcome="published"} 1');
    expect(text).toContain("mio_dedup_latency_seconds_count");
  });
});
