import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { Pool } from "pg";
import { pino } from "pino";
import { afterAll, expect, it, vi } from "vitest";
import { listen } from "./listen.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 2 });
db.on("error", () => {});
const context = { db, clock: clockOf(globalThis), log: pino({ level: "silent" }) };
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

it("tells each channel at once and again after a lost connection, and gives its place back at the end", async () => {
  const stop = new AbortController();
  const heard: string[] = [];
  const listening = listen(context, ["one", "two"], (channel) => void heard.push(channel), stop.signal);
  await vi.waitFor(() => expect(heard).toEqual(["one", "two"]), { timeout: 10_000 });
  await db.query("notify two");
  await vi.waitFor(() => expect(heard).toEqual(["one", "two", "two"]), { timeout: 10_000 });
  await db.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and datname = current_database()",
  );
  await vi.waitFor(() => expect(heard.slice(3)).toEqual(["one", "two"]), { timeout: 10_000 });
  stop.abort();
  await listening;
  expect(db.totalCount - db.idleCount).toBe(0);
});

it("gives its place in the pool back after each failed try", async () => {
  const stop = new AbortController();
  let failures = 0;
  const write = () => {
    failures += 1;
  };
  const log = pino({ level: "warn" }, { write });
  const listening = listen({ ...context, log }, ["no channel"], () => {}, stop.signal);
  // More tries than the pool has places.
  await vi.waitFor(() => expect(failures).toBeGreaterThan(3), { timeout: 20_000 });
  expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  stop.abort();
  await listening;
});
