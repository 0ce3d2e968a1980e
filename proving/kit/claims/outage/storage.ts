// While there is no room: what nobody keeps is not answered 200.
import type { UplinkLimits } from "@mio/edge/uplink/limits.ts";
import { conversationIdOf, partitionOf } from "@mio/shared/ids.ts";
import { expect, it } from "vitest";
import { eventually } from "../../time/eventually.ts";
import { alice, names, type OutageStage, text } from "./stage.ts";

/** Registers the tests. */
export function storageClaims(at: () => OutageStage): void {
  it("G1: answers 503 with Retry-After once the spool is full by rows, bytes or age, loses nothing, and takes more when it has drained", {
    timeout: 60_000,
  }, async () => {
    const { host, say, sayInOrder, seen, spooled, start, wire } = at();
    const limits: Partial<UplinkLimits>[] = [{ spoolRowsMax: 3 }, { spoolBytesMax: 2_000 }, { spoolAgeMaxMs: 1_500 }];
    const stored: string[] = [];
    for (const [index, uplinkLimits] of limits.entries()) {
      await host().stop();
      await start({ uplinkLimits });
      await sayInOrder("room", [`${index}.before`]);
      wire.cut();
      stored.push(`${index}.before`);
      const refused = await eventually("the spool is full", async () => {
        const id = `${index}.${stored.length}`;
        const status = await say([text("room", id)]);
        if (status === 200) stored.push(id);
        return status === 503 && id;
      });
      wire.mend();
      await eventually("the repeat is taken", async () => (await say([text("room", refused)])) === 200);
      stored.push(refused);
      await eventually("the spool is empty", async () => (await spooled()) === 0);
    }
    expect(await seen("room")).toEqual(stored);
  });

  it("G1: answers 503 when neither the bus nor the spool takes it, and 200 again after", async () => {
    const { host, say, sayInOrder, seen, wire } = at();
    await sayInOrder("room", ["before"]);
    const name = `local:${partitionOf(conversationIdOf(alice.accountId, "room"), 2)}`;
    await host().breakStorage(name);
    // The spool alone is not needed.
    expect(await say([text("room", "bus only")])).toBe(200);
    wire.cut();
    expect(await say([text("room", "lost")])).toBe(503);
    await host().mendStorage(name);
    expect(await say([text("room", "lost")])).toBe(200);
    wire.mend();
    await eventually("the repeat has arrived", async () => (await seen("room")).includes("lost"));
  });

  it("G1: answers 503 for a webhook of two shards when one of them cannot store its part", async () => {
    const { host, say, seen, wire } = at();
    const shardOf = (to: string) => partitionOf(conversationIdOf(alice.accountId, to), 2);
    const rooms = names("room", 20);
    const zero = rooms.find((to) => shardOf(to) === 0) ?? "";
    const one = rooms.find((to) => shardOf(to) === 1) ?? "";
    expect(await say([text(zero, "a"), text(one, "a")])).toBe(200);
    wire.cut();
    for (const broken of [0, 1]) {
      const name = `local:${broken}`;
      await host().breakStorage(name);
      expect(await say([text(zero, `b${broken}`), text(one, `b${broken}`)])).toBe(503);
      await host().mendStorage(name);
    }
    expect(await say([text(zero, "c"), text(one, "c")])).toBe(200);
    wire.mend();
    await eventually("both parts have arrived", async () => (await seen(zero)).includes("c") && (await seen(one)).includes("c"));
  });
}
