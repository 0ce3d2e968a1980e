import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { Pool } from "pg";
import { afterAll, expect, it } from "vitest";
import { inTransaction } from "./in-transaction.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 1 });
db.on("error", () => {});
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

it("keeps all or nothing, and says what went wrong also when the connection is gone and the rollback fails", async () => {
  await db.query("create table kept (n int)");
  await inTransaction(db, (client) => client.query("insert into kept values (1)"));
  await expect(
    inTransaction(db, async (client) => {
      await client.query("insert into kept values (2)");
      throw new Error("no more");
    }),
  ).rejects.toThrow("no more");
  await expect(
    inTransaction(db, async (client) => {
      client.on("error", () => {});
      await client.query("insert into kept values (3)");
      await client.query("select pg_terminate_backend(pg_backend_pid())").catch(() => {});
      throw new Error("the real reason");
    }),
  ).rejects.toThrow("the real reason");
  // The pool has one place: it was given back each time.
  expect((await db.query("select n from kept")).rows).toEqual([{ n: 1 }]);
});
