// The sender killed and paused for real between any two facts. What people see is compared with what the receipts say.

import type { Child } from "@mio/proving/kit/core/child-process.ts";
import { startChild } from "@mio/proving/kit/sender/processes.ts";
import { createStage, type Stage, states } from "@mio/proving/kit/sender/stage.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { senderDurable, streams } from "@mio/shared/bus/names/streams.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

// Real servers on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

const points = [
  "sender.intake_inserted",
  "sender.sending_written",
  "sender.answered",
  "sender.recorded",
  "sender.receipt_published",
];

let stage: Stage;
let children: Child[] = [];
beforeEach(async () => {
  stage = await createStage();
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.stop()));
  children = [];
  await stage[Symbol.asyncDispose]();
});

function start(options: Parameters<typeof startChild>[1] = {}): Child {
  const child = startChild(stage, options);
  children.push(child);
  return child;
}

async function publishMany(count: number): Promise<string[]> {
  const account = await stage.account("a");
  const commands = Array.from({ length: count }, (_, index) => stage.command(account, `c${index % 6}`, `${index}`));
  await stage.publish(...commands);
  return commands.map((command) => command.id);
}

/** Nothing twice, nothing that a receipt denies, nothing that it claims and nobody saw, order kept; returns how many are unknown. */
async function holds(count: number): Promise<number> {
  const finals = await stage.ended(count, 90_000);
  const shown = [...stage.platform.shown.values()].flat();
  expect(new Set(shown.map(({ text }) => text)).size).toBe(shown.length);
  const sent = [...finals.values()].filter((receipt) => receipt.state === states.SENT);
  const ids = new Set(shown.map(({ id }) => id));
  for (const receipt of sent) for (const id of receipt.externalIds) expect(ids.has(id)).toBe(true);
  const unknown = [...finals.values()].filter((receipt) => receipt.state === states.UNKNOWN);
  expect(sent.length + unknown.length).toBe(count);
  expect(shown.length).toBeGreaterThanOrEqual(sent.length);
  for (const messages of stage.platform.shown.values()) {
    const numbers = messages.map(({ text }) => Number(text));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
  return unknown.length;
}

describe.each(points)("killed at %s", (point) => {
  it("G5, G6: ends every command once, and shows none twice", async () => {
    await publishMany(60);
    // Batches are few, calls are many.
    const skip = point === "sender.intake_inserted" || point === "sender.receipt_published" ? 0 : 20;
    const first = start({ checkpoint: `${point}:kill:${skip}` });
    expect(await first.exited).toBe("SIGKILL");
    start();
    const unknown = await holds(60);
    if (point === "sender.sending_written" || point === "sender.answered") expect(unknown).toBeGreaterThan(0);
  });
});

describe.each(["sender.sending_written", "sender.answered"])("killed at %s on a channel graded exactly once", (point) => {
  it("G6: sends everything, and everything is seen once", async () => {
    await publishMany(60);
    const door = { grade: "exactly_once" } as const;
    const first = start({ door, checkpoint: `${point}:kill:20` });
    expect(await first.exited).toBe("SIGKILL");
    start({ door });
    expect(await holds(60)).toBe(0);
    expect([...stage.platform.shown.values()].flat().length).toBe(60);
  });
});

it("G5: killed with commands in its hands that the ledger could not take yet, it has lost none of them", async () => {
  const first = start({ patient: true });
  await publishMany(1);
  await stage.ended(1);
  const locked = await stage.db.connect();
  try {
    await locked.query("begin; lock table sender_commands in access exclusive mode");
    await publishMany(60);
    // The bus has handed them over, and their insert waits for the lock.
    await eventually("all to be handed over", async () => {
      const found = await stage.nats.jetstream().consumers.get(streams.outbound.name, senderDurable.name);
      return (await found.info()).num_pending === 0;
    });
    await eventually("the insert to wait", async () => {
      const waiting =
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like '%incoming%'";
      return ((await stage.db.query(waiting)).rowCount ?? 0) > 0;
    });
    first.signal("SIGKILL");
    await first.exited;
    const { state } = await (await stage.nats.jetstreamManager()).streams.info(streams.outbound.name);
    expect(state.messages).toBeGreaterThanOrEqual(60);
  } finally {
    await locked.query("rollback");
    locked.release();
  }
  start({ patient: true });
  const finals = await stage.ended(61, 90_000);
  for (const receipt of finals.values()) expect(receipt.state).toBe(states.SENT);
});

describe.each(points)("paused at %s for longer than its lease", (point) => {
  it("G5, G6: the other takes over, and what the first does when it wakes changes nothing", async () => {
    await publishMany(60);
    const skip = point === "sender.intake_inserted" || point === "sender.receipt_published" ? 0 : 20;
    const first = start({ checkpoint: `${point}:pause:${skip}` });
    await eventually("the first to be paused", () => first.paused());
    start();
    await holds(60);
    first.signal("SIGCONT");
    const account = await stage.account("a");
    await stage.publish(stage.command(account, "later", "1000"));
    await stage.ended(61, 30_000);
    await holds(61);
    expect(first.running()).toBe(true);
  });
});
