// What an uplink does when an account's layout is closed at it: the order of refusal, disk and closing marker.

import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { decodeIngressEvent, decodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";
import type { GroupMessage, Published } from "../ports.ts";
import { Uplink } from "../uplink.ts";
import type { ClosingStore } from "./closings.ts";

const shard = { region: "eu", shard: 0 };
const account = "11111111-1111-4111-8111-111111111111";
const old = { ...shard, accountId: account, layoutVersion: 1 };
const present = { ...old, layoutVersion: 2 };
const closing = { accountId: account, layoutVersion: 2, edge: "east" };
const event = (text: string) => [new TextEncoder().encode(text)];

/** Each start is an uplink over the same disk. */
function setUp(notAloneForMs = 0) {
  const clock = manualClock();
  const disk = new Map<string, number>();
  const state = { broken: false, written: Promise.resolve() };
  const published: { message: GroupMessage; answer: (ack: Published) => void }[] = [];
  const closings: ClosingStore = {
    notAloneForMs,
    read: () => new Map(disk),
    write: async (accountId, layoutVersion) => {
      await state.written;
      if (state.broken) throw new Error("the storage refuses");
      disk.set(accountId, layoutVersion);
    },
  };
  const link = {
    connected: true,
    publish: (message: GroupMessage) => new Promise<Published>((answer) => void published.push({ message, answer })),
    onChange: () => {},
    suspect: () => {},
  };
  const spool = {
    state: { rows: 0, bytes: 0, oldestAtMs: undefined, asideRows: 0, asideBytes: 0 },
    append: () => Promise.reject(new Error("the storage refuses")),
    oldest: () => [],
    remove: () => {},
    setAside: () => {},
    takeBack: () => {},
    arm: async () => {},
  };
  const start = () => new Uplink({ link, spool, closings, clock, random: seededRandom(1) });
  const acknowledge = async () => {
    for (const { answer } of published.splice(0)) answer({ kind: "acknowledged", duplicate: false });
    await clock.advance(0);
  };
  return { clock, disk, state, published, start, acknowledge };
}

/** Texts of events, and closing markers as "closed <layout version> by <edge>". */
function wordsIn({ message }: { message: GroupMessage }): string[] {
  const decoded = decodeIngressGroup(message.body);
  if (decoded.kind !== "group") throw new Error(`a group is ${decoded.kind}`);
  return decoded.group.events.map((bytes) => {
    const word = decodeIngressEvent(bytes);
    if (word.kind !== "event" || word.event.body.case !== "layoutClosed") return new TextDecoder().decode(bytes);
    expect(word.event.accountId).toBe(account);
    return `closed ${word.event.body.value.generation} by ${word.event.body.value.edge}`;
  });
}

describe("closing an account's older layouts", () => {
  it("G4: puts the closing marker behind all that was taken, and takes nothing more under them", async () => {
    const { clock, published, start, acknowledge } = setUp();
    const uplink = start();
    const first = [uplink.store(old, event("a")), uplink.store(old, event("b"))];
    await clock.advance(0);
    const closed = uplink.closeLayout(shard, closing);
    await clock.advance(0);
    expect(await uplink.store(old, event("late"))).toEqual({ kind: "unavailable", reason: "moved" });
    const stays = uplink.store(present, event("c"));
    expect(published.flatMap(wordsIn)).toEqual(["a", "b"]);
    await acknowledge();
    expect(published.flatMap(wordsIn)).toEqual(["closed 2 by east", "c"]);
    await acknowledge();
    for (const each of [...first, closed, stays]) expect(await each).toEqual({ kind: "stored", spooled: false });
  });

  it("leaves other accounts alone, and later layouts of this one", async () => {
    const { clock, start, acknowledge } = setUp();
    const uplink = start();
    void uplink.closeLayout(shard, closing);
    await clock.advance(0);
    const others = [
      uplink.store({ ...old, accountId: "other" }, event("a")),
      uplink.store({ ...old, layoutVersion: 3 }, event("b")),
    ];
    await acknowledge();
    await acknowledge();
    for (const each of others) expect(await each).toMatchObject({ kind: "stored" });
  });

  it("G4: refuses also after a restart, however old the directory of the caller", async () => {
    const { clock, published, start, acknowledge } = setUp();
    const closed = start().closeLayout(shard, closing);
    await clock.advance(0);
    await acknowledge();
    expect(await closed).toMatchObject({ kind: "stored" });
    const late = start().store(old, event("late"));
    await clock.advance(0);
    expect(published).toEqual([]);
    expect(await late).toEqual({ kind: "unavailable", reason: "moved" });
  });

  it("G4: says nothing before the refusal is on disk, and nothing at all when the disk fails", async () => {
    const { clock, state, published, start, acknowledge } = setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    state.written = promise;
    const uplink = start();
    const closed = uplink.closeLayout(shard, closing);
    await clock.advance(10_000);
    expect(published).toEqual([]);
    state.broken = true;
    resolve();
    expect(await closed).toEqual({ kind: "unavailable", reason: "storage_failed" });
    expect(published).toEqual([]);
    // Whoever asks again is heard.
    state.broken = false;
    const again = uplink.closeLayout(shard, closing);
    await clock.advance(0);
    await acknowledge();
    expect(await again).toMatchObject({ kind: "stored" });
  });

  it("G4: a new object refuses at once, and publishes its closing marker when nobody can hear from its predecessor any more", async () => {
    const { clock, published, start } = setUp(3_000);
    const uplink = start();
    await clock.advance(1_000);
    void uplink.closeLayout(shard, closing);
    await clock.advance(1_999);
    expect(await uplink.store(old, event("late"))).toMatchObject({ reason: "moved" });
    expect(published).toEqual([]);
    await clock.advance(1);
    expect(published.flatMap(wordsIn)).toEqual(["closed 2 by east"]);
  });

  it("says it once for all who ask, and again after half a minute, should core have passed over it", async () => {
    const { clock, published, start, acknowledge } = setUp();
    const uplink = start();
    const all = [1, 2, 3].map(() => uplink.closeLayout(shard, closing));
    await clock.advance(0);
    expect(published.flatMap(wordsIn)).toEqual(["closed 2 by east"]);
    await acknowledge();
    for (const each of all) expect(await each).toMatchObject({ kind: "stored" });
    await clock.advance(29_000);
    await uplink.closeLayout(shard, closing);
    expect(published).toEqual([]);
    await clock.advance(1_000);
    void uplink.closeLayout(shard, closing);
    await clock.advance(0);
    expect(published.flatMap(wordsIn)).toEqual(["closed 2 by east"]);
  });
});
