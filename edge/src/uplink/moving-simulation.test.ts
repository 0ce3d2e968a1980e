// An account that is moved again and again while everything fails: isolates with old directories, uplinks killed and replaced, buses away, a core
// that reads one partition late and another at once. One seed alone: `MIO_SEED=17 npx vitest run edge/src/uplink/moving-simulation.test.ts`.

import { type ManualClock, manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { MovingWorld } from "@mio/proving/kit/uplink/moving-world.ts";
import { type Random, seededRandom } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";

interface Acknowledged {
  event: string;
  conversation: string;
  askedAtMs: number;
  storedAtMs: number | undefined;
}

interface Run {
  told: Acknowledged[];
  world: MovingWorld;
}

const only = process.env.MIO_SEED;
const seeds = only === undefined ? Array.from({ length: 60 }, (_, index) => index + 1) : [Number(only)];
const edges = ["east", "west"];
const conversations = 8;
const spreads = [
  { region: "eu", shardCount: 2 },
  { region: "eu", shardCount: 3 },
  { region: "us", shardCount: 2 },
  { region: "us", shardCount: 3 },
];

// As the other simulation: it only computes, and a busy machine does that slowly.
describe("moves under faults from a seed", { timeout: 900_000 }, () => {
  const runs = new Map<number, Promise<Run>>();
  const eachSeed = async (check: (run: Run) => void) => {
    for (const seed of seeds) {
      const run = runs.get(seed) ?? simulate(seed);
      runs.set(seed, run);
      try {
        check(await run);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    }
  };

  it("G2: publishes everything that was told stored, wherever its conversation was then", () =>
    eachSeed(({ told, world }) => {
      const published = new Set([...world.published.values()].flat());
      expect(told.filter(({ event, storedAtMs }) => storedAtMs !== undefined && !published.has(event))).toEqual([]);
    }));

  it("G4: what was answered before the next was asked is published before it, also across moves", () =>
    eachSeed(({ told, world }) => {
      const late: string[] = [];
      for (const [conversation, order] of world.published) {
        const at = new Map(order.map((event, index) => [event, index]));
        const own = told.filter((each) => each.conversation === conversation);
        for (const a of own)
          for (const b of own) {
            if (a.storedAtMs === undefined || a.storedAtMs >= b.askedAtMs) continue;
            const [aAt, bAt] = [at.get(a.event), at.get(b.event)];
            if (aAt !== undefined && bAt !== undefined && aAt > bAt) late.push(`${b.event} before ${a.event}`);
          }
      }
      expect(late).toEqual([]);
    }));

  it("brings every move to its end, once everything works", () =>
    eachSeed(({ world }) => expect([world.layout.layoutVersion, world.over()]).toEqual([world.moves + 1, true])));

  it("really meets faults: refusals while moving, and callers with an old directory", async () => {
    const all = await Promise.all(seeds.map((seed) => runs.get(seed) ?? simulate(seed)));
    const sum = (count: (run: Run) => number) => all.reduce((total, run) => total + count(run), 0);
    const moved = sum(({ world }) => world.refusedAsMoved);
    const moving = sum(({ world }) => world.refusedAsMoving);
    const kills = sum(({ world }) => [...world.worlds.values()].reduce((total, each) => total + each.kills, 0));
    const stored = sum(({ told }) => told.filter(({ storedAtMs }) => storedAtMs !== undefined).length);
    console.log(
      `${seeds.length} seeds, ${sum(({ world }) => world.moves)} moves, ${stored} events stored, ${kills} objects lost, refused ${moving} times while moving, ${moved} times for an old directory`,
    );
    expect(Math.min(moving, moved, kills)).toBeGreaterThan(seeds.length / 4);
  });
});

async function simulate(seed: number): Promise<Run> {
  const random = seededRandom(seed);
  const clock = manualClock();
  const world = new MovingWorld(clock, random, edges, 2);
  const run: Run = { told: [], world };
  const callers = Array.from({ length: conversations }, (_, index) => caller(run, clock, random, index));
  const others = [
    changeWeather(clock, world, random),
    moveAbout(clock, world, random),
    ...world.isolates.map((each) => look(clock, world, random, each)),
  ];
  await clock.advance(120_000);
  for (const each of world.worlds.values()) {
    each.faults = false;
    each.setBus("up");
  }
  await clock.advance(60_000);
  await Promise.all([...callers, ...others]);
  // What opened after the faults ended has faults of its own no more.
  for (const each of world.worlds.values()) each.faults = false;
  for (let asked = 0; asked < 100 && !world.over(); asked++) {
    for (const isolate of world.isolates) {
      world.look(isolate);
      void world.post(isolate, "last", ["last/0.0"]).catch(() => {});
    }
    await clock.advance(2_000);
  }
  await clock.advance(60_000);
  return run;
}

/** One conversation at one edge, at any of its isolates; its next request only after the answer to the last, or when it has given up. */
async function caller(run: Run, clock: ManualClock, random: Random, index: number): Promise<void> {
  const conversation = `c${index}`;
  const isolates = run.world.isolates.filter(({ edge }) => edge === edges[index % edges.length]);
  const endMs = clock.monotonicMs() + 115_000;
  for (let n = 0; clock.monotonicMs() < endMs; n++) {
    await clock.sleep(random.next() < 0.4 ? 0 : random.next() * 3_000);
    const event = `${conversation}/${n}.0`;
    const told: Acknowledged = { event, conversation, askedAtMs: clock.nowMs(), storedAtMs: undefined };
    run.told.push(told);
    for (let attempt = 0; attempt < 6; attempt++) {
      const isolate = isolates[Math.floor(random.next() * isolates.length)];
      if (isolate && (await run.world.post(isolate, conversation, [event]))) {
        told.storedAtMs = clock.nowMs();
        break;
      }
      await clock.sleep(300 + random.next() * 1_500);
    }
  }
}

/** Isolates hear of a change soon, late, or only when an uplink refuses them. */
async function look(
  clock: ManualClock,
  world: MovingWorld,
  random: Random,
  isolate: MovingWorld["isolates"][number],
): Promise<void> {
  for (let passedMs = 0; passedMs < 110_000; ) {
    const waitMs = random.next() < 0.2 ? 10_000 + random.next() * 20_000 : random.next() * 5_000;
    await clock.sleep(waitMs);
    passedMs += waitMs;
    world.look(isolate);
  }
}

/** Also before the last move is over. */
async function moveAbout(clock: ManualClock, world: MovingWorld, random: Random): Promise<void> {
  for (let passedMs = 0; passedMs < 100_000; ) {
    const waitMs = random.next() < 0.2 ? random.next() * 2_000 : 5_000 + random.next() * 20_000;
    await clock.sleep(waitMs);
    passedMs += waitMs;
    const others = spreads.filter(
      ({ region, shardCount }) => region !== world.layout.region || shardCount !== world.layout.shardCount,
    );
    const to = others[Math.floor(random.next() * others.length)];
    if (to) world.move(to);
  }
}

async function changeWeather(clock: ManualClock, world: MovingWorld, random: Random): Promise<void> {
  for (let passedMs = 0; passedMs < 110_000; ) {
    const calmMs = 100 + random.next() * 2_000;
    await clock.sleep(calmMs);
    passedMs += calmMs;
    const all = [...world.worlds.values()];
    const unlucky = all[Math.floor(random.next() * all.length)];
    if (!unlucky) continue;
    const luck = random.next();
    if (luck < 0.3) unlucky.setBus("down");
    else if (luck < 0.5) unlucky.setBus("silent");
    else if (luck < 0.8) unlucky.kill();
    else unlucky.loseConnection();
    const badMs = 50 + random.next() * 6_000;
    clock.after(badMs, () => unlucky.setBus("up"));
  }
}
