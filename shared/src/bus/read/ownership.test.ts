// Who owns what, over simulated time: spread, takeover, pauses, outages of the bucket. The bucket is memory with the real one's rule; the
// real one is held to the same rule at the foot.

import { makeStream, testBus } from "@mio/proving/kit/bus/bus.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { type ManualClock, manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { afterEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../random.ts";
import { buckets } from "../names/streams.ts";
import type { HeldPartition } from "./ownership/keep.ts";
import { type PositionStore, positionStore } from "./ownership/position-store.ts";
import { ownershipTimes } from "./ownership/times.ts";
import { ownPartitions } from "./ownership.ts";
import type { Position } from "./position.ts";

const group = "g";

/** Compare-and-set over memory; `away` makes it fail, `deaf` writes and then fails, as a lost answer does. */
function memoryStore() {
  const values = new Map<string, { revision: number; value: Uint8Array }>();
  let revision = 0;
  const store = {
    away: false,
    answersLost: 0,
    text: (key: string): unknown => JSON.parse(new TextDecoder().decode(values.get(key)?.value)),
    set: (key: string, text: string) => void values.set(key, { revision: ++revision, value: new TextEncoder().encode(text) }),
    async read(key: string) {
      if (store.away) throw new Error("away");
      return values.get(key);
    },
    async write(key: string, value: Uint8Array, expected: number) {
      if (store.away) throw new Error("away");
      if ((values.get(key)?.revision ?? 0) !== expected) return undefined;
      values.set(key, { revision: ++revision, value });
      if (store.answersLost > 0) {
        store.answersLost -= 1;
        throw new Error("the answer was lost");
      }
      return revision;
    },
  } satisfies PositionStore & Record<string, unknown>;
  return store;
}

interface Replica {
  held: Map<string, HeldPartition>;
  starts: Map<string, Position | undefined>;
  lost: string[];
  positions: Map<string, Position>;
  clock: ManualClock;
  trouble: unknown[];
  stop(): Promise<void>;
  /** Nothing of it runs any more, and nothing was given back. */
  kill(): void;
}

const replicas: Replica[] = [];
afterEach(() => {
  for (const each of replicas.splice(0)) each.kill();
});

function replica(
  store: PositionStore,
  partitions: number,
  instance: string,
  clock: ManualClock,
  drain: () => Promise<void> = () => Promise.resolve(),
  streamEpochMs?: () => Promise<number | undefined>,
): Replica {
  const stop = new AbortController();
  let dead = false;
  const forever = new Promise<never>(() => {});
  const mortal: PositionStore = {
    read: (key) => (dead ? forever : store.read(key)),
    write: (key, value, revision) => (dead ? forever : store.write(key, value, revision)),
  };
  const mine: Replica = {
    held: new Map(),
    starts: new Map(),
    lost: [],
    positions: new Map(),
    clock,
    trouble: [],
    stop: async () => {
      stop.abort();
      await running;
    },
    kill: () => {
      dead = true;
      stop.abort();
    },
  };
  const running = ownPartitions(
    {
      store: mortal,
      group,
      instance,
      partitions: () => Array.from({ length: partitions }, (_, index) => `p${index}`),
      clock,
      ...(streamEpochMs ? { streamEpochMs } : {}),
      onTrouble: (error) => void mine.trouble.push(error),
      holder: {
        gained: (held) => {
          mine.held.set(held.partition, held);
          mine.starts.set(held.partition, held.start);
          if (!mine.positions.has(held.partition))
            mine.positions.set(held.partition, held.start ?? { position: 0, finished: [] });
        },
        position: (partition) => mine.positions.get(partition) ?? { position: 0, finished: [] },
        release: async (partition) => {
          await drain();
          mine.held.delete(partition);
        },
        lost: (partition) => {
          mine.lost.push(partition);
          mine.held.delete(partition);
        },
      },
    },
    stop.signal,
  );
  replicas.push(mine);
  return mine;
}

/** Several clocks at the same pace. */
async function advance(ms: number, ...clocks: ManualClock[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) for (const clock of clocks) await clock.advance(50);
}

describe("owning partitions", () => {
  it("claims everything when alone, and shares evenly with those who come", async () => {
    const store = memoryStore();
    const clock = manualClock();
    const a = replica(store, 8, "a", clock);
    await clock.advance(100);
    expect(a.held.size).toBe(8);
    const b = replica(store, 8, "b", clock);
    await clock.advance(20_000);
    expect([a.held.size, b.held.size]).toEqual([4, 4]);
    const c = replica(store, 8, "c", clock);
    await clock.advance(20_000);
    expect([a, b, c].map((each) => each.held.size).sort()).toEqual([2, 3, 3]);
    expect(new Set([a, b, c].flatMap((each) => [...each.held.keys()])).size).toBe(8);
    expect([a, b, c].flatMap((each) => each.lost)).toEqual([]);
  });

  it("lets another have what was given back at once, with its position", async () => {
    const store = memoryStore();
    const clock = manualClock();
    const a = replica(store, 2, "a", clock);
    await clock.advance(100);
    a.positions.set("p0", { position: 41, finished: [43, 44] });
    a.held.get("p0")?.touch();
    await Promise.all([a.stop(), clock.advance(100)]);
    const b = replica(store, 2, "b", clock);
    await clock.advance(100);
    expect(b.held.size).toBe(2);
    expect(b.starts.get("p0")).toEqual({ position: 41, finished: [43, 44] });
    expect(b.held.get("p0")?.epoch).toBe(2);
  });

  describe("of a stream that was deleted and recreated", () => {
    const stopAt = async (store: PositionStore, position: number, streamEpochMs?: number): Promise<void> => {
      const clock = manualClock();
      const owner = replica(store, 1, "before", clock, undefined, async () => streamEpochMs);
      await clock.advance(100);
      owner.positions.set("p0", { position, finished: [] });
      owner.held.get("p0")?.touch();
      await Promise.all([owner.stop(), clock.advance(100)]);
    };

    const startAfter = async (store: PositionStore, streamEpochMs: () => Promise<number | undefined>): Promise<Replica> => {
      const clock = manualClock();
      const next = replica(store, 1, "after", clock, undefined, streamEpochMs);
      await clock.advance(100);
      return next;
    };

    it("G2: gives up the position that counts in the old one, and says which", async () => {
      const store = memoryStore();
      await stopAt(store, 41, 1_000);
      const next = await startAfter(store, async () => 2_000);
      expect(next.held.get("p0")).toMatchObject({
        start: undefined,
        abandoned: { position: 41 },
        streamEpochMs: 2_000,
        epoch: 2,
      });
      expect(store.text("g.p0")).toMatchObject({ position: 0, generation: 2_000 });
    });

    it("goes on from the position of the same one, and from one that was written before stream epochs were", async () => {
      for (const written of [1_000, undefined]) {
        const store = memoryStore();
        await stopAt(store, 41, written);
        const next = await startAfter(store, async () => 1_000);
        expect(next.starts.get("p0")).toEqual({ position: 41, finished: [] });
        expect(next.held.get("p0")?.abandoned).toBe(undefined);
        expect(store.text("g.p0")).toMatchObject({ position: 41, generation: 1_000 });
      }
    });

    it("claims nothing while the stream cannot be asked", async () => {
      const store = memoryStore();
      let away = true;
      const clock = manualClock();
      const next = replica(store, 1, "a", clock, undefined, async () => {
        if (away) throw new Error("stream not found");
        return 2_000;
      });
      await clock.advance(10_000);
      expect([next.held.size, next.trouble.length > 0]).toEqual([0, true]);
      away = false;
      await clock.advance(4_000);
      expect(next.held.size).toBe(1);
    });

    it("claims anew what is given back in its midst", async () => {
      const store = memoryStore();
      const clock = manualClock();
      let streamEpochMs = 1_000;
      const owner = replica(store, 1, "a", clock, undefined, async () => streamEpochMs);
      await clock.advance(100);
      owner.positions.set("p0", { position: 41, finished: [] });
      streamEpochMs = 2_000;
      owner.held.get("p0")?.giveBack();
      await clock.advance(4_000);
      expect(owner.held.get("p0")).toMatchObject({ abandoned: { position: 41 }, streamEpochMs: 2_000 });
      expect(owner.lost).toEqual([]);
    });
  });

  it("G2: takes over from one that died, after ten seconds and not before", async () => {
    const store = memoryStore();
    const clock = manualClock();
    const a = replica(store, 4, "a", clock);
    await clock.advance(100);
    const b = replica(store, 4, "b", clock);
    await clock.advance(20_000);
    expect([a.held.size, b.held.size]).toEqual([2, 2]);
    a.kill();
    await clock.advance(9_000);
    expect(b.held.size).toBe(2);
    await clock.advance(9_000);
    expect(b.held.size).toBe(4);
  });

  it("G3: a paused owner knows when it wakes that it may not own any more, and then that it does not", async () => {
    const store = memoryStore();
    const [clockA, clockB] = [manualClock(), manualClock()];
    const a = replica(store, 1, "a", clockA);
    await advance(1_000, clockA);
    const owned = a.held.get("p0");
    const b = replica(store, 1, "b", clockB);
    await advance(3_000, clockA, clockB);
    // From here a's clock stands still, as its process does.
    await clockB.advance(30_000);
    expect(b.held.has("p0")).toBe(true);
    expect(b.held.get("p0")?.epoch).toBe(2);
    // It wakes, and its monotonic clock has moved on meanwhile.
    clockA.leap(30_000);
    expect(owned?.owned()).toBe(false);
    await advance(20_000, clockA, clockB);
    expect(owned?.owned()).toBe(false);
    expect(a.lost).toEqual(["p0"]);
    expect(b.lost).toEqual([]);
    expect(store.text("g.p0")).toMatchObject({ owner: "b", epoch: 2 });
  });

  it("does not take over what nobody could renew: an outage of the bucket is nobody's silence", async () => {
    const store = memoryStore();
    const clock = manualClock();
    const a = replica(store, 2, "a", clock);
    await clock.advance(100);
    const b = replica(store, 2, "b", clock);
    await clock.advance(20_000);
    store.away = true;
    await clock.advance(60_000);
    expect([...a.held.values()].every((held) => !held.owned())).toBe(true);
    store.away = false;
    await clock.advance(20_000);
    expect([a.lost, b.lost]).toEqual([[], []]);
    expect([a.held.size, b.held.size]).toEqual([1, 1]);
    expect([...a.held.values(), ...b.held.values()].every((held) => held.owned())).toBe(true);
  });

  it("keeps what it owns when the answer to a write is lost", async () => {
    const store = memoryStore();
    const clock = manualClock();
    const a = replica(store, 1, "a", clock);
    await clock.advance(4_000);
    store.answersLost = 2;
    a.positions.set("p0", { position: 7, finished: [] });
    a.held.get("p0")?.touch();
    await clock.advance(10_000);
    expect(a.lost).toEqual([]);
    expect(store.text("g.p0")).toMatchObject({ owner: "a", epoch: 1, position: 7 });
  });

  it("writes positions together, at most every 200 ms", async () => {
    const store = memoryStore();
    const clock = manualClock();
    const a = replica(store, 1, "a", clock);
    await clock.advance(3_050);
    let writes = 0;
    const write = store.write;
    store.write = (key, value, revision) => {
      if (key === "g.p0") writes += 1;
      return write(key, value, revision);
    };
    for (let position = 1; position <= 100; position += 1) {
      a.positions.set("p0", { position, finished: [] });
      a.held.get("p0")?.touch();
      await clock.advance(20);
    }
    await clock.advance(300);
    expect(writes).toBeLessThanOrEqual(12);
    expect(store.text("g.p0")).toMatchObject({ position: 100 });
  });

  it("leaves an entry that it cannot read alone, says so, and goes on with the others", async () => {
    const store = memoryStore();
    const clock = manualClock();
    store.set("g.p0", "not json");
    store.set("g.p1", '{"owner":5}');
    const a = replica(store, 3, "a", clock);
    await clock.advance(30_000);
    expect([...a.held.keys()]).toEqual(["p2"]);
    expect(a.trouble.length).toBeGreaterThan(0);
  });

  for (let seed = 1; seed <= 20; seed += 1) {
    it(`G3: never two owners that both may write, over kills, joins and outages (seed ${seed})`, async () => {
      const random = seededRandom(seed);
      const store = memoryStore();
      const clock = manualClock();
      const partitions = 5;
      let names = 0;
      const alive: Replica[] = [];
      for (let turn = 0; turn < 30; turn += 1) {
        const dice = random.next();
        if (alive.length === 0 || (dice < 0.25 && alive.length < 4)) alive.push(replica(store, partitions, `r${++names}`, clock));
        else if (dice < 0.4) alive.splice(Math.floor(random.next() * alive.length), 1)[0]?.kill();
        else if (dice < 0.55) void alive.splice(Math.floor(random.next() * alive.length), 1)[0]?.stop();
        else if (dice < 0.65) store.away = !store.away;
        for (let step = 0; step < 10; step += 1) {
          await clock.advance(300);
          for (let index = 0; index < partitions; index += 1) {
            const owners = replicas.filter((each) => each.held.get(`p${index}`)?.owned() && alive.includes(each));
            expect(owners.length).toBeLessThanOrEqual(1);
          }
        }
      }
      store.away = false;
      if (alive.length === 0) alive.push(replica(store, partitions, "last", clock));
      await clock.advance(45_000);
      expect(alive.flatMap((each) => [...each.held.keys()]).sort()).toEqual(["p0", "p1", "p2", "p3", "p4"]);
      expect(Math.max(...alive.map((each) => each.held.size))).toBeLessThanOrEqual(Math.ceil(partitions / alive.length));
    });
  }
});

describe("the bucket of positions", () => {
  it("writes only over the revision that was read", async () => {
    await using server = await testNats();
    await using client = await testBus(server.url);
    await makeStream(client.nats, "ANY", ["any"]);
    const store = positionStore(client.bus, buckets.positions.name);
    const value = (text: string) => new TextEncoder().encode(text);
    expect(await store.read("g.p0")).toBeUndefined();
    const first = await store.write("g.p0", value("a"), 0);
    expect(first).toBeGreaterThan(0);
    expect(await store.write("g.p0", value("b"), 0)).toBeUndefined();
    const second = await store.write("g.p0", value("c"), first ?? 0);
    expect(second).toBeGreaterThan(first ?? 0);
    expect(await store.write("g.p0", value("d"), first ?? 0)).toBeUndefined();
    expect(await store.read("g.p0")).toMatchObject({ revision: second });
    await expect(positionStore(client.bus, "nowhere", 300).write("g.p0", value("a"), 0)).rejects.toThrow();
  });

  it("is the one that everybody is held to", () => {
    expect(ownershipTimes).toEqual({ heartbeatMs: 3_000, claimAfterMs: 10_000, commitMs: 200 });
  });
});
