import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { Pool } from "pg";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { migrate, missingMigrations } from "./migrate.ts";
import { openDatabase } from "./pool.ts";

let database: Awaited<ReturnType<typeof testDatabase>>;
let db: Pool;
let folder: string;

beforeEach(async () => {
  database = await testDatabase();
  db = new Pool({ connectionString: database.dsn, max: 2 });
  db.on("error", () => {});
  // Test databases come migrated; these start with nothing.
  await db.query("drop schema public cascade");
  await db.query("create schema public");
  folder = await mkdtemp(join(tmpdir(), "mio-migrations-"));
});
afterEach(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

it("applies each file once, in order, when several start at once", async () => {
  await writeFile(join(folder, "001_first.sql"), "create table first (n int); select pg_sleep(0.2);");
  await writeFile(join(folder, "002_second.sql"), "alter table first add column m int;");
  const applied = await Promise.all([1, 2, 3].map(() => migrate(database.dsn, folder)));
  expect(applied.flat()).toEqual(["001_first.sql", "002_second.sql"]);
  expect(await missingMigrations(db, folder)).toEqual([]);
});

it("leaves nothing of a file that fails, keeps those before it, and goes on once it is mended", async () => {
  await writeFile(join(folder, "001_good.sql"), "create table good (n int);");
  await writeFile(join(folder, "002_bad.sql"), "create table half (n int); insert into half values ('x');");
  await writeFile(join(folder, "003_last.sql"), "create table last (n int);");
  await expect(migrate(database.dsn, folder)).rejects.toThrow(/migration 002_bad.sql failed and was rolled back: invalid input/);
  const tables = await db.query("select to_regclass('good') as good, to_regclass('half') as half, to_regclass('last') as last");
  expect(tables.rows).toEqual([{ good: "good", half: null, last: null }]);
  expect(await missingMigrations(db, folder)).toEqual(["002_bad.sql", "003_last.sql"]);
  await writeFile(join(folder, "002_bad.sql"), "create table half (n int);");
  expect(await migrate(database.dsn, folder)).toEqual(["002_bad.sql", "003_last.sql"]);
});

it("is what core asks for before it starts on a database that lacks something", async () => {
  const open = () =>
    openDatabase({ postgresDsn: database.dsn, postgresPoolMax: 2 }, pino({ level: "silent" }), new AbortController().signal);
  await expect(open()).rejects.toThrow(/the database lacks 001_.*; run "mio migrate" first/);
  await cp(join(import.meta.dirname, "migrations"), folder, { recursive: true });
  const all = await missingMigrations(db, folder);
  const last = all.at(-1) ?? "";
  await rm(join(folder, last));
  await migrate(database.dsn, folder);
  await expect(open()).rejects.toThrow(`the database lacks ${last}; run "mio migrate" first`);
  expect(await migrate(database.dsn)).toEqual([last]);
  await using opened = await open();
  expect((await opened.pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});
