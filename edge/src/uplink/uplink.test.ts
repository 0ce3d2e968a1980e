// The bounds of an uplink and what it says about itself; its order and durability are proved by simulation.test.ts.

import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { decodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";
import { eventBytesMax, uplinkLimits } from "./limits.ts";
import type { GroupMessage, Published, Spool, SpoolRow } from "./ports.ts";
import { type Stored, Uplink } from "./uplink.ts";

const shard = { region: "eu", shard: 1, accountId: "a", layoutVersion: 3 };
const kibibyte = 1024;

function setUp(limits: Partial<typeof uplinkLimits> = {}) {
  const clock = manualClock();
  const published: { message: GroupMessage; answer: (published: Published) => void }[] = [];
  const rows: (SpoolRow & { atMs: number })[] = [];
  const aside: (SpoolRow & { atMs: number })[] = [];
  const alarms: number[] = [];
  const lines: Readonly<Record<string, unknown>>[] = [];
  const listeners: (() => void)[] = [];
  const link = {
    connected: true,
    publish: (message: GroupMessage) => new Promise<Published>((answer) => void published.push({ message, answer })),
    onChange: (each: () => void) => {
      listeners.push(each);
    },
    suspect: () => {},
  };
  const spool: Spool & { broken: boolean } = {
    broken: false,
    get state() {
      const bytesOf = (of: SpoolRow[]) => of.reduce((sum, { body }) => sum + body.length, 0);
      const aside_ = { asideRows: aside.length, asideBytes: bytesOf(aside) };
      return { rows: rows.length, bytes: bytesOf(rows), ...aside_, oldestAtMs: rows[0]?.atMs };
    },
    append: async (message) => {
      if (spool.broken) throw new Error("the storage refuses");
      rows.push({ ...message, id: rows.length + 1, atMs: clock.nowMs() });
    },
    oldest: ({ rows: count }) => rows.slice(0, count),
    remove: (gone) => void rows.splice(0, gone.length),
    setAside: () => void aside.push(...rows.splice(0, 1)),
    takeBack: () => void rows.push(...aside.splice(0)),
    arm: async (atMs) => void alarms.push(atMs),
  };
  const closed = new Map<string, number>();
  const closings = {
    notAloneForMs: 0,
    read: () => new Map(closed),
    write: async (account: string, layoutVersion: number) => void closed.set(account, layoutVersion),
  };
  const uplink = new Uplink(
    { link, spool, closings, clock, random: seededRandom(1), log: (line) => void lines.push(line) },
    { ...uplinkLimits, ...limits },
  );
  const store = (...sizes: number[]): Promise<Stored> =>
    uplink.store(
      shard,
      sizes.map((size) => new Uint8Array(size)),
    );
  const setConnected = (connected: boolean) => {
    link.connected = connected;
    for (const listener of listeners) listener();
  };
  const acknowledge = async (duplicate = false) => {
    published.at(-1)?.answer({ kind: "acknowledged", duplicate });
    await clock.advance(0);
  };
  return { clock, uplink, store, published, rows, aside, alarms, lines, spool, setConnected, acknowledge };
}

function eventsIn(message: GroupMessage | undefined): number {
  const decoded = decodeIngressGroup(message?.body ?? new Uint8Array());
  return decoded.kind === "group" ? decoded.group.events.length : 0;
}

describe("uplink", () => {
  it("sends one group at a time, and what waits meanwhile together", async () => {
    const { store, published, acknowledge, clock } = setUp();
    const first = store(10);
    await clock.advance(0);
    const rest = [store(10, 10), store(10)];
    await clock.advance(0);
    expect(published.map(({ message }) => eventsIn(message))).toEqual([1]);
    await acknowledge();
    expect(await first).toEqual({ kind: "stored", spooled: false });
    expect(published.map(({ message }) => eventsIn(message))).toEqual([1, 3]);
    await acknowledge();
    expect(await Promise.all(rest)).toEqual([first, first].map(() => ({ kind: "stored", spooled: false })));
    const decoded = decodeIngressGroup(published[1]?.message.body ?? new Uint8Array());
    expect(decoded.kind === "group" && decoded.group).toMatchObject({ region: "eu", shard: 1, generation: 1n, spooled: false });
    expect(published[1]?.message.subject).toBe("mio.ingress.eu.1");
    expect(decoded.kind === "group" && decoded.group.id).toBe(published[1]?.message.messageId);
  });

  it("bounds a group by events and by bytes, and answers a request only when its last group is stored", async () => {
    const { store, published, acknowledge, clock } = setUp({ groupEventsMax: 3 });
    const big = store(300 * kibibyte, 300 * kibibyte, 1, 1, 1, 1);
    let answered = false;
    void big.then(() => {
      answered = true;
    });
    await clock.advance(0);
    for (const expected of [1, 3, 2]) {
      expect([eventsIn(published.at(-1)?.message), answered]).toEqual([expected, false]);
      await acknowledge();
    }
    expect(answered).toBe(true);
  });

  it("refuses an event that could never be published, and takes the largest that can", async () => {
    const { store, published, clock } = setUp();
    expect(await store(eventBytesMax + 1)).toEqual({ kind: "too_large" });
    void store(eventBytesMax);
    await clock.advance(0);
    expect(published[0]?.message.body.length).toBeLessThan(1024 * kibibyte - 1_000);
  });

  it("G1: spools a group that is not acknowledged within 800 ms, under the same message id", async () => {
    const { store, published, rows, clock } = setUp();
    const stored = store(10);
    await clock.advance(799);
    expect(rows.length).toBe(0);
    await clock.advance(1);
    expect(await stored).toEqual({ kind: "stored", spooled: true });
    expect(rows.map(({ messageId }) => messageId)).toEqual([published[0]?.message.messageId]);
    const decoded = decodeIngressGroup(rows[0]?.body ?? new Uint8Array());
    expect(decoded.kind === "group" && decoded.group.spooled).toBe(true);
  });

  it("spools at once while the bus is known to be down or does not answer", async () => {
    const { store, setConnected, clock, published } = setUp();
    setConnected(false);
    expect(await store(10)).toEqual({ kind: "stored", spooled: true });
    setConnected(true);
    await clock.advance(800);
    expect(published.length).toBe(1);
    // Connected, but the last try was in vain.
    expect(await store(10)).toEqual({ kind: "stored", spooled: true });
  });

  it("G4: lets newer events wait for the spool while it drains, for as long as they can", async () => {
    const { store, setConnected, acknowledge, published, rows, clock } = setUp();
    setConnected(false);
    await store(1);
    setConnected(true);
    const second = store(2);
    await clock.advance(500);
    expect([rows.length, published.length]).toEqual([1, 1]);
    await acknowledge();
    expect([rows.length, published.length]).toEqual([0, 2]);
    await acknowledge();
    expect(await second).toEqual({ kind: "stored", spooled: false });
  });

  it("G2: counts an acknowledgement that comes late for the spooled row, and publishes that row no second time", async () => {
    const { uplink, store, published, rows, clock, acknowledge } = setUp();
    const first = store(10);
    await clock.advance(800);
    expect(await first).toEqual({ kind: "stored", spooled: true });
    expect(uplink.status()).toMatchObject({ bus: "silent", busReason: "no acknowledgement in 800 ms" });
    await clock.advance(1_200);
    await acknowledge();
    expect([rows.length, published.length]).toEqual([0, 1]);
    expect(uplink.status()).toMatchObject({ bus: "slow", busReason: "the last acknowledgement took 2000 ms", rowsDrained: 1 });
  });

  it("G1, G4: spools at once what a slow bus would let wait, drains it in order as it answers, and trusts it again once it is in time", async () => {
    const { uplink, store, published, rows, clock, acknowledge } = setUp();
    void store(10);
    await clock.advance(2_000);
    await acknowledge();
    for (const expected of [1, 2]) {
      expect(await store(10)).toEqual({ kind: "stored", spooled: true });
      expect(rows.length).toBe(expected);
    }
    for (const expected of ["slow", "slow"]) {
      const [row] = rows;
      await clock.advance(2_000);
      expect(published.at(-1)?.message.messageId).toBe(row?.messageId);
      expect(uplink.status().bus).toBe(expected);
      await acknowledge();
    }
    expect([rows.length, published.length]).toEqual([0, 3]);
    expect(await store(10)).toEqual({ kind: "stored", spooled: true });
    await clock.advance(20);
    await acknowledge();
    expect(uplink.status()).toMatchObject({ bus: "answering", spoolRows: 0 });
    const next = store(10);
    await clock.advance(20);
    await acknowledge();
    expect(await next).toEqual({ kind: "stored", spooled: false });
  });

  it("drains over a bus that answers after 30 s, with one acknowledgement for all tries of a row", async () => {
    const { store, published, rows, setConnected, clock } = setUp({ groupEventsMax: 1 });
    setConnected(false);
    for (const size of [1, 2, 3]) await store(size);
    setConnected(true);
    for (let row = 0, sent = 0; row < 3; row++) {
      const before = rows.length;
      await clock.advance(30_000);
      expect(rows.length).toBe(before);
      published[sent]?.answer({ kind: "acknowledged", duplicate: false });
      await clock.advance(0);
      expect(rows.length).toBe(before - 1);
      sent = published.length - 1;
    }
    // Once it is known to be that slow, one try a row.
    expect(published.length).toBeLessThanOrEqual(3 + 3);
  });

  it("G4: drains rows together, in their order, as many as fit in one group, and the same again while their outcome is unknown", async () => {
    const { store, published, rows, setConnected, clock, acknowledge } = setUp({ groupEventsMax: 3 });
    setConnected(false);
    for (const size of [1, 2, 3, 4]) await store(size);
    await store(5, 6);
    setConnected(true);
    await clock.advance(20_000);
    const sizes = () => {
      const decoded = decodeIngressGroup(published.at(-1)?.message.body ?? new Uint8Array());
      return decoded.kind === "group" ? decoded.group.events.map(({ length }) => length) : [];
    };
    await store(7);
    expect(new Set(published.map(({ message }) => message.messageId)).size).toBe(1);
    expect([sizes(), rows.length]).toEqual([[1, 2, 3], 6]);
    await acknowledge();
    expect([sizes(), rows.length]).toEqual([[4, 5, 6], 3]);
    await acknowledge();
    expect([sizes(), rows.length]).toEqual([[7], 1]);
    await acknowledge();
    expect(rows.length).toBe(0);
  });

  it("G2: sets a row aside that is too large for the bus, after those before it, loudly, and tries it again when it starts anew", async () => {
    const { uplink, store, published, rows, aside, lines, setConnected, clock, acknowledge } = setUp();
    setConnected(false);
    for (const size of [1, 900, 3]) await store(size);
    setConnected(true);
    const refuse = async () => {
      published.at(-1)?.answer({ kind: "refused", reason: "refused with 10054", ofMessage: true });
      await clock.advance(0);
    };
    // Together, then one by one.
    await clock.advance(0);
    await refuse();
    await acknowledge();
    await refuse();
    for (let refusal = 0; refusal < 3; refusal++) {
      expect([rows.length, aside.length]).toEqual([2, 0]);
      await refuse();
      const woke = uplink.wake();
      await clock.advance(0);
      void woke;
    }
    await acknowledge();
    expect([rows.length, aside.length]).toEqual([0, 1]);
    expect(uplink.status()).toMatchObject({ spoolRows: 0, spoolAsideRows: 1, rowsDrained: 2 });
    expect(lines.filter(({ event }) => event === "row_set_aside")).toMatchObject([
      { level: "error", reason: "refused with 10054" },
    ]);
    await uplink.start();
    const woke = uplink.wake();
    await clock.advance(0);
    await acknowledge();
    await woke;
    expect(uplink.status()).toMatchObject({ spoolRows: 0, spoolAsideRows: 0, rowsDrained: 3 });
  });

  it("G2: never sets a row aside because the stream is full", async () => {
    const { uplink, store, published, rows, aside, setConnected, clock, acknowledge } = setUp();
    setConnected(false);
    await store(1);
    setConnected(true);
    for (let refusal = 0; refusal < 20; refusal++) {
      await clock.advance(0);
      published.at(-1)?.answer({ kind: "refused", reason: "refused with 10077: maximum bytes exceeded", ofMessage: false });
      await clock.advance(0);
      void uplink.wake();
    }
    expect([rows.length, aside.length]).toEqual([1, 0]);
    await clock.advance(0);
    await acknowledge();
    expect(rows.length).toBe(0);
  });

  it("tells how the bus looks: away, silent, refusing, slow, answering; and logs each change once", async () => {
    const { uplink, store, published, lines, setConnected, clock, acknowledge } = setUp();
    const answer = async (given: Published) => {
      published.at(-1)?.answer(given);
      await clock.advance(0);
    };
    void store(10);
    await clock.advance(100);
    await answer({ kind: "refused", reason: "refused with 10077: maximum bytes exceeded", ofMessage: false });
    expect(uplink.status()).toMatchObject({ bus: "refusing", busReason: "refused with 10077: maximum bytes exceeded" });
    const woke = uplink.wake();
    await clock.advance(900);
    expect(uplink.status().bus).toBe("silent");
    await clock.advance(1_000);
    await acknowledge();
    await woke;
    expect(uplink.status().bus).toBe("slow");
    setConnected(false);
    expect(uplink.status().bus).toBe("away");
    setConnected(true);
    expect(uplink.status()).toMatchObject({ bus: "answering", busReason: undefined });
    expect(lines.map(({ level, bus }) => `${level} ${bus}`)).toEqual([
      "warn refusing",
      "warn silent",
      "warn slow",
      "warn away",
      "info answering",
    ]);
  });

  it("G1: says unavailable when the spool is full by rows, bytes or age, or its storage fails", async () => {
    const full = { kind: "unavailable", reason: "spool_full" };
    for (const limits of [{ spoolRowsMax: 1 }, { spoolBytesMax: 100 }, { spoolAgeMaxMs: 1_000 }]) {
      const { store, setConnected, clock } = setUp(limits);
      setConnected(false);
      expect((await store(10)).kind).toBe("stored");
      await clock.advance(1_000);
      expect(await store(10)).toEqual(full);
    }
    const { store, setConnected, spool } = setUp();
    setConnected(false);
    spool.broken = true;
    expect(await store(10)).toEqual({ kind: "unavailable", reason: "storage_failed" });
  });

  it("goes on with the bus alone after bus and storage had both failed", async () => {
    const { store, spool, clock, acknowledge } = setUp();
    spool.broken = true;
    const failed = store(10);
    await clock.advance(800);
    expect(await failed).toEqual({ kind: "unavailable", reason: "storage_failed" });
    const next = store(10);
    await clock.advance(0);
    await acknowledge();
    expect(await next).toEqual({ kind: "stored", spooled: false });
  });

  it("spools what waits when the queue is half full, and refuses when it is full", async () => {
    const { store, rows, clock } = setUp({ queueBytesMax: 1_000 });
    const inFlight = store(300);
    await clock.advance(0);
    const behind = store(300);
    expect(await Promise.all([inFlight, behind])).toEqual([inFlight, behind].map(() => ({ kind: "stored", spooled: true })));
    expect(rows.length).toBe(2);
    expect(await store(1_001)).toEqual({ kind: "unavailable", reason: "queue_full" });
  });

  it("G2: sets the next alarm before it drains, and none when nothing is left", async () => {
    const { uplink, store, setConnected, alarms, clock, acknowledge } = setUp();
    setConnected(false);
    await store(10);
    await uplink.wake();
    expect(alarms.length).toBe(2);
    setConnected(true);
    await clock.advance(0);
    const woke = uplink.wake();
    await clock.advance(0);
    expect(alarms.length).toBe(3);
    await acknowledge();
    await woke;
    expect(alarms.length).toBe(3);
    await uplink.wake();
    expect(alarms.length).toBe(3);
  });

  it("counts, and tells a duplicate outside a retry apart", async () => {
    const { uplink, store, acknowledge, clock, setConnected } = setUp();
    void store(10);
    await clock.advance(0);
    await acknowledge(true);
    setConnected(false);
    await store(10);
    await clock.advance(250);
    expect(uplink.status()).toEqual({
      connected: false,
      bus: "away",
      busReason: "not connected",
      stuck: false,
      queueEvents: 0,
      queueBytes: 0,
      spoolRows: 1,
      spoolBytes: expect.any(Number),
      spoolOldestAgeMs: 250,
      spoolAsideRows: 0,
      groupsPublished: 1,
      groupsSpooled: 1,
      eventsStored: 2,
      eventsRefused: 0,
      rowsDrained: 0,
      drainsFailed: 0,
      duplicatesOnRetry: 0,
      duplicatesOutsideRetry: 1,
    });
  });
});
