// An uplink's closing marker, as dedup meets it on the log: behind what came before it, whatever becomes of that.

import {
  accountId,
  inboundSubjectOf,
  sendGroup,
  shardOf,
  sourcesOn,
  testEvent,
  testGroup,
} from "@mio/proving/kit/core/ingress.ts";
import { testControl } from "@mio/proving/kit/database/secrets.ts";
import { bus, db, events, inbound, kill, nats, sources, start, untilSettled, useStand } from "@mio/proving/kit/dedup/stand.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { encodeIngressEvent } from "@mio/shared/bus/wire/ingress-group.ts";
import { beforeEach, describe, expect, it } from "vitest";
import { moveAccount } from "../control/accounts/move.ts";
import { createAccount } from "../control/accounts/operation.ts";
import { createTenant } from "../control/tenants/operation.ts";

useStand();

const shard = shardOf("a");

beforeEach(async () => {
  await createTenant(testControl(db), "acme");
  const verification = [{ scheme: "hmac", value: "s" }];
  const { account } = await createAccount(
    testControl(db),
    { tenant: "acme", channelType: "alpha", externalId: "T1", verification },
    ["alpha"],
  );
  expect(account.id).toBe(accountId);
  await moveAccount(testControl(db), accountId, { shards: 3 });
});

const closingMarker = (layoutVersion = 2, edge = "east") =>
  encodeIngressEvent({ accountId, body: { case: "layoutClosed", value: { generation: BigInt(layoutVersion), edge } } });
const noted = async () => {
  const { rows } = await db.query(
    "select edge, region || '.' || shard as place, generation from layout_closings order by 1, 2, 3",
  );
  return rows.map(({ edge, place, generation }) => `${generation} ${edge} ${place}`);
};
const present = `2 east local.${shard}`;

describe("an uplink's closing marker", () => {
  it("G4: is noted only when everything before it is published, in its own group and in earlier ones", async () => {
    const manager = await nats.jetstreamManager();
    // The inbound stream takes one message and refuses the rest.
    await manager.streams.update(inbound, { max_msgs: 1 });
    const first = await start();
    await sendGroup(nats, shard, [testEvent({ conversation: "a", source: "a-1" })]);
    await untilSettled(1);
    await sendGroup(nats, shard, [testEvent({ conversation: "a", source: "a-2" })]);
    await sendGroup(nats, shard, [testEvent({ conversation: "a", source: "a-3" }), closingMarker()]);
    await eventually("a refused batch", async () => ((await db.query("select 1 from ingress_keys")).rowCount ?? 0) >= 2);
    await kill(first);
    await start();
    await eventually("another refusal", async () => ((await db.query("select 1 from ingress_keys")).rowCount ?? 0) >= 3);
    expect(await noted()).toEqual([]);
    await manager.streams.update(inbound, { max_msgs: -1 });
    await eventually("the closing marker", async () => (await noted()).length > 0);
    expect(await sourcesOn(bus, inbound, inboundSubjectOf("a"))).toEqual(sources("a", 3));
    expect(await noted()).toEqual([present]);
  });

  it("may come twice, late, or of nobody, and what follows it goes on", async () => {
    await start();
    const strange = encodeIngressEvent({
      accountId: "x",
      body: { case: "layoutClosed", value: { generation: 2n, edge: "east" } },
    });
    const nobodys = encodeIngressEvent({
      accountId: crypto.randomUUID(),
      body: { case: "layoutClosed", value: { generation: 2n, edge: "east" } },
    });
    await sendGroup(nats, shard, [
      closingMarker(),
      closingMarker(1),
      strange,
      nobodys,
      closingMarker(),
      closingMarker(2, "west"),
      closingMarker(3),
    ]);
    await sendGroup(nats, shard, [closingMarker(), testEvent({ conversation: "a", source: "a-1" })]);
    await untilSettled(1);
    expect(await sourcesOn(bus, inbound, inboundSubjectOf("a"))).toEqual(sources("a", 1));
    await eventually("both closing markers", async () => (await noted()).length >= 2);
    expect(await noted()).toEqual([present, `2 west local.${shard}`]);
  });

  it("G3: a platform's repeat in the new partition, of what the old one has taken, is the same event", async () => {
    await start();
    const taken = events("a", 3).map((each) => testEvent(each));
    await sendGroup(nats, shard, [...taken, closingMarker()]);
    await eventually("the closing marker", async () => (await noted()).length > 0);
    await nats
      .jetstream()
      .publish("mio.ingress.elsewhere.0", groupElsewhere([...taken.slice(1), testEvent({ conversation: "a", source: "a-4" })]));
    await untilSettled(4);
    expect(await sourcesOn(bus, inbound, inboundSubjectOf("a"))).toEqual(sources("a", 4));
  });

  for (const killed of [false, true]) {
    const again = killed ? ", and is killed meanwhile" : "";
    it(`G2, G3: what another edge still brings in the old partition is not hidden by later ones of the new one${again}`, async () => {
      const late = Promise.withResolvers<void>();
      const inserted = Promise.withResolvers<void>();
      let held = false;
      const first = await start(async (name) => {
        if (held || name !== "dedup.keys_inserted") return;
        held = true;
        inserted.resolve();
        await late.promise;
      });
      // An edge that was cut off while another one went over: its events are earlier on the stream, and come to their turn later.
      await sendGroup(nats, shard, [
        testEvent({ conversation: "a", source: "a-1" }),
        testEvent({ conversation: "a", source: "a-2" }),
      ]);
      await inserted.promise;
      await nats
        .jetstream()
        .publish("mio.ingress.elsewhere.0", groupElsewhere([testEvent({ conversation: "a", source: "a-3" })]));
      await untilSettled(1);
      if (killed) await kill(first);
      late.resolve();
      if (killed) await start();
      await untilSettled(3);
      expect(await sourcesOn(bus, inbound, inboundSubjectOf("a"))).toEqual(["a-3", "a-1", "a-2"]);
    });
  }

  it("notes which edge brings an account's events", async () => {
    await start();
    await sendGroup(nats, shard, [testEvent({ conversation: "a", source: "a-1", edge: "east" })]);
    await sendGroup(nats, shard, [testEvent({ conversation: "a", source: "a-2", edge: "west" })]);
    await untilSettled(2);
    const { rows } = await db.query("select edge from account_edges where account_id = $1 order by edge", [accountId]);
    expect(rows).toEqual([{ edge: "east" }, { edge: "west" }]);
  });
});

/** A group in a partition that nobody has written to before. */
function groupElsewhere(of: Uint8Array[]): Uint8Array {
  return testGroup(0, of, { region: "elsewhere" });
}
