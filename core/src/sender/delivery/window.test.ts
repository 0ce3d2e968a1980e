// What of the ledger is in memory, on a real ledger: whatever comes and ends in whichever order, no command is passed over and memory stays small.
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { Pool } from "pg";
import { afterAll, beforeEach, expect, it } from "vitest";
import { type Command, createSchedule } from "../schedule/schedule.ts";
import { createWindow } from "./window.ts";

const inMemoryMax = 32;
const conversations = ["busy", "calm", "rare"] as const;
const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn });
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => db.query("delete from sender_commands"));

function owner() {
  const clock = manualClock();
  const schedule = createSchedule({ budgetOf: () => undefined, callsMax: 64, callsPerAccountMax: 64 });
  const cancels: string[] = [];
  const window = createWindow({
    db,
    schedule,
    accounts: { ensure: async () => {} },
    doors: [],
    clock,
    onCancel: (id) => void cancels.push(id),
  });
  return { schedule, window, cancels, nowMs: clock.monotonicMs };
}

let sequence = 0;

/** As intake writes them: in stream order. */
async function accept(names: readonly string[], cancelOf = ""): Promise<string[]> {
  const rows = names.map((conversation) => {
    sequence += 1;
    return { id: `${conversation}-${sequence}`, conversation, sequence };
  });
  await db.query(
    `insert into sender_commands (id, tenant_id, account_id, channel_type, conversation_id, conversation_external_id, stream_epoch,
       stream_sequence, state, content, content_sha256, cancel_of)
     select id, 'tenant', 'account', 'alpha', conversation, conversation, 1, sequence, 'queued', '', '', $2
     from json_to_recordset($1) as t (id text, conversation text, sequence bigint)`,
    [JSON.stringify(rows), cancelOf],
  );
  return rows.map(({ id }) => id);
}

async function end(ids: readonly string[]): Promise<void> {
  await db.query("update sender_commands set state = 'sent' where id = any($1)", [ids]);
}

const signal = new AbortController().signal;

it.each([1, 2, 3, 4, 5])("G5: gives every command of a lane its turn, in order (seed %d)", async (seed) => {
  const random = seededRandom(seed);
  const upTo = (max: number) => Math.floor(random.next() * (max + 1));
  const { schedule, window, nowMs } = owner();
  const accepted: string[] = [];
  const turns: string[] = [];
  const inHand: Command[] = [];
  for (let round = 0; round < 60 || turns.length < accepted.length || inHand.length > 0; round += 1) {
    expect(round, "rounds").toBeLessThan(1_000);
    if (round < 60 && random.next() < 0.3) {
      const burst = Array.from({ length: upTo(40) }, () => conversations[Math.floor(random.next() ** 3 * 3)] ?? "busy");
      accepted.push(...(await accept(burst)));
    }
    if (round >= 60 || random.next() < 0.5) await window.load(signal);
    if (window.isShort()) await window.refill();
    for (let step = schedule.next(nowMs()); step.kind === "start"; step = schedule.next(nowMs())) inHand.push(step.command);
    const ended = inHand.splice(0, upTo(inHand.length));
    await end(ended.map(({ id }) => id));
    for (const { id, lane } of ended) {
      turns.push(id);
      schedule.ended(id);
      window.left(lane);
    }
    for (const conversation of conversations)
      expect(schedule.laneSize(`account/${conversation}`)).toBeLessThanOrEqual(inMemoryMax);
  }
  const of = (ids: readonly string[], conversation: string) => ids.filter((id) => id.startsWith(conversation));
  for (const conversation of conversations) expect(of(turns, conversation)).toEqual(of(accepted, conversation));
});

it("keeps the first few of a long lane in memory, and hides no other lane behind it", async () => {
  const { schedule, window } = owner();
  await accept([...Array.from({ length: 200 }, () => "busy"), "rare"]);
  await window.load(signal);
  expect([schedule.laneSize("account/busy"), schedule.laneSize("account/rare")]).toEqual([inMemoryMax, 1]);
});

it("puts a command that cancels another into no lane", async () => {
  const { schedule, window, cancels } = owner();
  const ids = await accept(["calm"], "another");
  await window.load(signal);
  expect(cancels).toEqual(ids);
  expect(schedule.laneSize("account/calm")).toBe(0);
});
