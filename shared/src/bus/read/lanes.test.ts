// Lanes over simulated time: order inside a conversation, none between, attempts, parking, room, stopping.

import { type ManualClock, manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../random.ts";
import { createLanes, type LaneOptions } from "./lanes.ts";
import type { LogRecord } from "./log-source.ts";
import { createSlots } from "./slots.ts";
import { TryAgain, type Work } from "./work.ts";

interface Bench {
  work: Work;
  clock: ManualClock;
  log: string[];
  finished: number[];
  owned: boolean;
}

function bench(options: Partial<LaneOptions> & Pick<LaneOptions, "handle">): Bench {
  const clock = manualClock();
  const mine: Bench = {
    clock,
    log: [],
    finished: [],
    owned: true,
    work: { accept: () => undefined, drain: async () => {}, abandon: () => {} },
  };
  mine.work = createLanes(
    {
      laneOf: (record) => record.subject,
      park: async (record) => void mine.log.push(`park ${record.sequence}`),
      clock,
      random: seededRandom(1),
      attemptsMax: 3,
      ...options,
    },
    { partition: "0", owned: () => mine.owned, finished: (record) => void mine.finished.push(record.sequence) },
  );
  return mine;
}

function record(subject: string, sequence: number): LogRecord {
  return { subject, sequence, streamEpochMs: 0, data: new Uint8Array(0), headers: undefined, storedAtMs: 0, pending: 0 };
}

describe("lanes", () => {
  it("G4: handle a conversation's records one after another, whatever each takes", async () => {
    const random = seededRandom(7);
    const seen = new Map<string, number[]>();
    const running = new Set<string>();
    let overlaps = 0;
    const { work, clock, finished } = bench({
      handle: async ({ subject, sequence }) => {
        if (running.has(subject)) overlaps += 1;
        running.add(subject);
        await clock.sleep(random.next() * 500);
        seen.set(subject, [...(seen.get(subject) ?? []), sequence]);
        running.delete(subject);
      },
    });
    for (let sequence = 1; sequence <= 60; sequence += 1) void work.accept(record(`c${sequence % 6}`, sequence));
    await clock.advance(10_000);
    expect(overlaps).toBe(0);
    expect(finished.length).toBe(60);
    for (const sequences of seen.values()) expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
  });

  it("let a slow conversation hold up no other", async () => {
    const { work, clock, finished } = bench({ handle: ({ subject }) => clock.sleep(subject === "slow" ? 60_000 : 1) });
    void work.accept(record("slow", 1));
    void work.accept(record("slow", 2));
    for (let sequence = 3; sequence <= 20; sequence += 1) void work.accept(record("fast", sequence));
    await clock.advance(2_000);
    expect(finished.length).toBe(18);
  });

  it("park a poison record after its attempts, and go on with its conversation", async () => {
    const attempts: number[] = [];
    const { work, clock, log, finished } = bench({
      handle: async ({ sequence }, { attempt }) => {
        if (sequence !== 1) return;
        attempts.push(attempt);
        throw new Error("poison");
      },
    });
    for (const sequence of [1, 2]) void work.accept(record("a", sequence));
    await clock.advance(5_000);
    expect(attempts).toEqual([1, 2, 3]);
    expect(log).toEqual(["park 1"]);
    expect(finished).toEqual([1, 2]);
  });

  it("G2: never park for another's fault, nor for a lost ownership", async () => {
    let healthy = false;
    const { work, clock, log, finished } = bench({
      handle: async () => {
        if (!healthy) throw new TryAgain("the bus is away");
      },
    });
    void work.accept(record("a", 1));
    await clock.advance(600_000);
    expect(log).toEqual([]);
    healthy = true;
    await clock.advance(11_000);
    expect(finished).toEqual([1]);

    const other = bench({ handle: () => Promise.reject(new Error("refused")) });
    other.owned = false;
    void other.work.accept(record("a", 1));
    await other.clock.advance(600_000);
    expect(other.log).toEqual([]);
    expect(other.finished).toEqual([]);
  });

  it("park again until parking succeeds", async () => {
    let parked = 0;
    const { work, clock, finished } = bench({
      handle: () => Promise.reject(new Error("poison")),
      park: async () => {
        parked += 1;
        if (parked < 4) throw new Error("the bus is away");
      },
    });
    void work.accept(record("a", 1));
    await clock.advance(60_000);
    expect([parked, finished]).toEqual([4, [1]]);
  });

  it("run no more at once than there are slots, over partitions, and give a slot back while a record waits for its next attempt", async () => {
    const slots = createSlots(2);
    let running = 0;
    let most = 0;
    const handle = async ({ subject }: LogRecord) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      if (subject === "bad") throw new TryAgain("later");
    };
    const benches = [bench({ handle, slots }), bench({ handle, slots })];
    for (const { work } of benches) {
      void work.accept(record("bad", 1));
      void work.accept(record("good", 2));
      for (let sequence = 3; sequence <= 12; sequence += 1) void work.accept(record(`c${sequence}`, sequence));
    }
    for (const { clock } of benches) await clock.advance(1_000);
    expect(most).toBe(2);
    for (const { finished } of benches) expect(finished.length).toBe(11);
  });

  it("free who waits for a slot when they are drained", async () => {
    const slots = createSlots(1);
    const { work, clock, finished } = bench({ handle: () => clock.sleep(1_000), slots });
    for (const [index, subject] of ["a", "b", "c"].entries()) void work.accept(record(subject, index + 1));
    await clock.advance(100);
    const drained = work.drain(1_500);
    await clock.advance(3_000);
    await drained;
    expect(finished).toEqual([1]);
    await slots.acquire(new AbortController().signal);
  });

  it("stop the reader at the limit, and let it go on when there is room", async () => {
    const { work, clock } = bench({ handle: () => clock.sleep(100), inHandMax: 3 });
    expect(work.accept(record("a", 1))).toBeUndefined();
    expect(work.accept(record("a", 2))).toBeUndefined();
    let room = false;
    void work.accept(record("b", 3))?.then(() => {
      room = true;
    });
    await clock.advance(50);
    expect(room).toBe(false);
    await clock.advance(100);
    expect(room).toBe(true);
  });

  it("finish what runs and start nothing more when they are drained", async () => {
    const { work, clock, finished } = bench({ handle: () => clock.sleep(1_000) });
    for (const sequence of [1, 2]) void work.accept(record("a", sequence));
    void work.accept(record("b", 3));
    await clock.advance(100);
    const drained = work.drain(5_000);
    await clock.advance(2_000);
    await drained;
    expect(finished).toEqual([1, 3]);
  });

  it("abort what does not end in time, and count it as unfinished", async () => {
    let aborted = false;
    const { work, clock, finished } = bench({
      handle: async (_record, { signal }) => {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        await clock.sleep(60_000, signal);
      },
    });
    void work.accept(record("a", 1));
    await clock.advance(50);
    const drained = work.drain(1_000);
    await clock.advance(1_100);
    await drained;
    await clock.advance(100);
    expect([aborted, finished]).toEqual([true, []]);
  });

  it("drop everything when another owns the partition", async () => {
    const { work, clock, finished } = bench({ handle: (_record, { signal }) => clock.sleep(1_000, signal) });
    for (const sequence of [1, 2]) void work.accept(record("a", sequence));
    work.abandon();
    await clock.advance(5_000);
    expect(finished).toEqual([]);
  });
});
