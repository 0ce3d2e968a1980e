// The ground under the sender moving: its database restarted, its bus restarted, two of it side by side, one of them stopped.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "@mio/local/servers/postgres.ts";
import { createStage, type Stage, states } from "@mio/proving/kit/sender/stage.ts";
import { afterEach, expect, it, vi } from "vitest";
import { provisionBus } from "../bus/provision.ts";
import { migrate } from "../db/migrate.ts";

// Real servers on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const cleanup: (() => PromiseLike<unknown>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function stageOf(options: Parameters<typeof createStage>[0] = {}): Promise<Stage> {
  const stage = await createStage(options);
  cleanup.push(() => stage[Symbol.asyncDispose]());
  return stage;
}

async function publishMany(stage: Stage, count: number): Promise<void> {
  const account = await stage.account("a");
  await stage.publish(...Array.from({ length: count }, (_, index) => stage.command(account, `c${index % 10}`, `${index}`)));
}

async function allSentOnce(stage: Stage, count: number): Promise<void> {
  const finals = await stage.ended(count, 50_000);
  for (const receipt of finals.values()) expect(receipt.state).toBe(states.SENT);
  expect(stage.platform.calls.length).toBe(count);
  for (const messages of stage.platform.shown.values()) {
    const numbers = messages.map(({ text }) => Number(text));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
}

it("G5: goes on after its database was restarted in the middle", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mio-sender-postgres-"));
  await chmod(folder, 0o711);
  cleanup.push(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startPostgres({ dataDir: join(folder, "data"), fsync: false });
  cleanup.push(() => postgres.stop());
  await migrate(postgres.dsn);
  const stage = await stageOf({ dsn: postgres.dsn });
  stage.platform.behave = () => ({ kind: "answer", afterMs: 20 });
  stage.start();
  await publishMany(stage, 400);
  await expect.poll(() => stage.platform.calls.length, { timeout: 20_000 }).toBeGreaterThan(50);
  await postgres.restart();
  await allSentOnce(stage, 400);
});

it("G5: goes on after the bus was restarted in the middle", async () => {
  const stage = await stageOf();
  stage.platform.behave = () => ({ kind: "answer", afterMs: 10 });
  stage.start();
  await publishMany(stage, 400);
  await expect.poll(() => stage.platform.calls.length, { timeout: 20_000 }).toBeGreaterThan(50);
  await stage.server.restart();
  await allSentOnce(stage, 400);
});

it("G5, G6: two senders side by side, one stopped in the middle: the other takes over at once, nothing is sent twice", async () => {
  const stage = await stageOf();
  stage.platform.behave = () => ({ kind: "answer", afterMs: 10 });
  const first = stage.start();
  stage.start();
  await publishMany(stage, 600);
  await expect.poll(() => stage.platform.calls.length, { timeout: 20_000 }).toBeGreaterThan(50);
  await first.stop();
  await allSentOnce(stage, 600);
});

it("G5, G6: stopped three times in the middle, it finishes its calls and gives the rest back: nothing is unknown", async () => {
  const stage = await stageOf();
  stage.platform.behave = () => ({ kind: "answer", afterMs: 30 });
  await publishMany(stage, 400);
  for (const done of [40, 120, 200]) {
    const sender = stage.start();
    await expect.poll(() => stage.platform.calls.length, { timeout: 20_000 }).toBeGreaterThan(done);
    await sender.stop();
    const open = await stage.db.query("select 1 from sender_commands where state = 'sending'");
    expect(open.rowCount).toBe(0);
  }
  stage.start();
  await allSentOnce(stage, 400);
});

it("reports what left the stream before anybody read it, and goes on", async () => {
  const stage = await stageOf();
  const first = stage.start();
  await publishMany(stage, 10);
  await stage.ended(10);
  await first.stop();
  await publishMany(stage, 7);
  const manager = await stage.nats.jetstreamManager();
  await manager.streams.purge("MESSAGES_OUTBOUND");
  await publishMany(stage, 3);
  const second = stage.start();
  await stage.ended(13);
  expect(second.context.sections.get("sender")?.()).toMatchObject({ intake: { lost_unread: 7 } });
});

it("goes on with a stream that was recreated, whose sequences begin again", async () => {
  const stage = await stageOf();
  stage.start();
  await publishMany(stage, 20);
  await stage.ended(20);
  const manager = await stage.nats.jetstreamManager();
  await manager.streams.delete("MESSAGES_OUTBOUND");
  await provisionBus(stage.nats, { streamReplicas: 1, streamBytesMax: 1024 ** 3 });
  await publishMany(stage, 15);
  const finals = await stage.ended(35);
  for (const receipt of finals.values()) expect(receipt.state).toBe(states.SENT);
  const epochs = await stage.db.query("select stream_epoch, count(*)::int as n from sender_commands group by 1 order by 1");
  expect(epochs.rows).toEqual([
    { stream_epoch: 1, n: 20 },
    { stream_epoch: 2, n: 15 },
  ]);
});
