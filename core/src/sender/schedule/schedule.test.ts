import { seededRandom } from "@mio/shared/random.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Budget, createBudget } from "./budget.ts";
import { createDueHeap } from "./due-heap.ts";
import { type Command, createSchedule, type Schedule } from "./schedule.ts";

let count = 0;
function command(rest: Partial<Command> = {}): Command {
  count += 1;
  return {
    id: `c${count}`,
    accountId: "a",
    lane: "a/1",
    editOf: "",
    dueMs: 0,
    expiresMs: undefined,
    interrupted: false,
    ...rest,
  };
}

function scheduleOf(options: Partial<Parameters<typeof createSchedule>[0]> = {}): Schedule {
  return createSchedule({ budgetOf: () => undefined, callsMax: 100, callsPerAccountMax: 100, ...options });
}

/** Everything that can start now. */
function startAll(schedule: Schedule, nowMs: number): Command[] {
  const started: Command[] = [];
  for (let step = schedule.next(nowMs); step.kind !== "idle"; step = schedule.next(nowMs)) started.push(step.command);
  return started;
}

describe("lanes", () => {
  it("gives one command of a lane at a time, and the next only when it has left", () => {
    const schedule = scheduleOf();
    const [first, second] = [command(), command()];
    schedule.add(first);
    schedule.add(second);
    expect(startAll(schedule, 0)).toEqual([first]);
    schedule.again(first.id, 50);
    expect(schedule.next(10)).toEqual({ kind: "idle", untilMs: 50 });
    expect(startAll(schedule, 50)).toEqual([first]);
    schedule.ended(first.id);
    expect(startAll(schedule, 50)).toEqual([second]);
  });

  it("forgets what ended while it waited or while it was in hand", () => {
    const schedule = scheduleOf();
    const all = [command(), command(), command()] as const;
    for (const each of all) schedule.add(each);
    schedule.ended(all[1].id);
    startAll(schedule, 0);
    schedule.ended(all[0].id);
    expect(startAll(schedule, 0)).toEqual([all[2]]);
    schedule.ended(all[2].id);
    expect(schedule.sizes().size).toBe(0);
    expect(schedule.inHand()).toBe(0);
    schedule.again("gone", 0);
    schedule.ended("gone");
  });

  it("holds for any order of events: in order, one in hand a lane, nothing lost, nothing twice", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), (seed, size) => {
        const random = seededRandom(seed);
        const schedule = scheduleOf({ callsMax: 4, callsPerAccountMax: 3 });
        const added: Command[] = [];
        for (let index = 0; index < size; index += 1) {
          const accountId = `a${Math.floor(random.next() * 3)}`;
          added.push(
            command({ accountId, lane: `${accountId}/${Math.floor(random.next() * 3)}`, dueMs: Math.floor(random.next() * 20) }),
          );
        }
        const waiting = [...added];
        const inHand: Command[] = [];
        const done: Command[] = [];
        for (let nowMs = 0; done.length < size; nowMs += 1) {
          if (nowMs > 100_000) throw new Error("stuck");
          for (const each of waiting.splice(0, Math.ceil(random.next() * 3))) schedule.add(each);
          for (let step = schedule.next(nowMs); step.kind !== "idle"; step = schedule.next(nowMs)) {
            expect(inHand.some((each) => each.lane === step.command.lane)).toBe(false);
            expect(step.command.dueMs).toBeLessThanOrEqual(nowMs);
            inHand.push(step.command);
          }
          expect(inHand.length).toBeLessThanOrEqual(4);
          for (const each of inHand.splice(0, Math.ceil(random.next() * inHand.length))) {
            if (random.next() < 0.3) schedule.again(each.id, nowMs + Math.floor(random.next() * 5));
            else {
              schedule.ended(each.id);
              done.push(each);
            }
          }
        }
        for (const lane of new Set(added.map((each) => each.lane)))
          expect(done.filter((each) => each.lane === lane)).toEqual(added.filter((each) => each.lane === lane));
        expect(new Set(done).size).toBe(size);
        expect(schedule.inHand()).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

describe("turns", () => {
  it("G7: gives each account its turn, whatever the length of the others' queues", () => {
    const schedule = scheduleOf({ callsMax: 1 });
    for (let index = 0; index < 50; index += 1) schedule.add(command({ accountId: "long", lane: `long/${index}` }));
    for (let index = 0; index < 5; index += 1) schedule.add(command({ accountId: "short", lane: `short/${index}` }));
    const order: string[] = [];
    for (let step = schedule.next(0); step.kind !== "idle"; step = schedule.next(0)) {
      order.push(step.command.accountId);
      schedule.ended(step.command.id);
    }
    expect(order.slice(0, 10).filter((account) => account === "short").length).toBe(5);
  });

  it("G7: passes over an account that has no budget, and says when to come back", () => {
    const budgets: Record<string, Budget> = { poor: createBudget(1, 0), rich: createBudget(1_000, -10_000) };
    const schedule = scheduleOf({ budgetOf: (id) => budgets[id] });
    schedule.add(command({ accountId: "poor", lane: "poor/1" }));
    const rich = command({ accountId: "rich", lane: "rich/1" });
    schedule.add(rich);
    expect(startAll(schedule, 0)).toEqual([rich]);
    const step = schedule.next(0);
    expect(step.kind === "idle" && step.untilMs).toBeGreaterThan(800);
  });

  it("G7: does not let one account hold all calls", () => {
    const schedule = scheduleOf({ callsMax: 10, callsPerAccountMax: 3 });
    for (let index = 0; index < 20; index += 1) schedule.add(command({ accountId: "a", lane: `a/${index}` }));
    expect(startAll(schedule, 0).length).toBe(3);
  });
});

describe("what costs no call", () => {
  it("expires the head of a lane at its time, also while it waits for its next attempt", () => {
    const schedule = scheduleOf();
    const late = command({ expiresMs: 100, dueMs: 500 });
    const next = command();
    schedule.add(late);
    schedule.add(next);
    expect(schedule.next(99)).toEqual({ kind: "idle", untilMs: 100 });
    expect(schedule.next(100)).toEqual({ kind: "expire", command: late });
    schedule.ended(late.id);
    expect(startAll(schedule, 100)).toEqual([next]);
  });

  it("supersedes an edit only by the next in its lane, of the same message, that is due and has not expired", () => {
    const edit = (rest: Partial<Command>) => command({ editOf: "message:m", ...rest });
    const cases: [Command, boolean][] = [
      [edit({}), true],
      [edit({ dueMs: 100 }), false],
      [edit({ expiresMs: 0 }), false],
      [edit({ interrupted: true }), false],
      [edit({ editOf: "message:other" }), false],
      [command(), false],
    ];
    for (const [behind, superseded] of cases) {
      const schedule = scheduleOf();
      schedule.add(edit({}));
      schedule.add(behind);
      expect(schedule.next(10).kind).toBe(superseded ? "supersede" : "start");
    }
  });

  it("finds out about an interrupted call when it has certainly ended, without budget, and holds its lane until then", () => {
    const schedule = scheduleOf({ budgetOf: () => createBudget(1, 0) });
    const interrupted = command({ interrupted: true, dueMs: 70, expiresMs: 10 });
    schedule.add(interrupted);
    schedule.add(command());
    expect(schedule.next(69)).toEqual({ kind: "idle", untilMs: 70 });
    expect(schedule.next(70)).toEqual({ kind: "recover", command: interrupted });
  });
});

it("a heap gives what is due by time, and in order of coming at the same time", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 }), (times) => {
      const heap = createDueHeap<{ at: number; order: number }>();
      for (const [order, at] of times.entries()) heap.push(at, { at, order });
      const taken: { at: number; order: number }[] = [];
      for (let item = heap.popDue(15); item !== undefined; item = heap.popDue(15)) taken.push(item);
      const expected = times.map((at, order) => ({ at, order })).filter(({ at }) => at <= 15);
      expect(taken).toEqual(expected.sort((a, b) => a.at - b.at || a.order - b.order));
      expect(heap.earliestMs()).toBeGreaterThan(15);
    }),
  );
});
