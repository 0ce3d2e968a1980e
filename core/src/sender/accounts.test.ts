// What the sender remembers of accounts while they come and go beside its reads.
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { testSecrets } from "@mio/proving/kit/database/secrets.ts";
import { Client, Pool } from "pg";
import { pino } from "pino";
import { expect, it } from "vitest";
import { createAccounts } from "./accounts.ts";

const accountId = "2b7c4c1e-6f0b-5b1a-9d55-0c6f5a0f9a11";

it("G5: does not forget an account that a command asks for while others are read", async () => {
  await using database = await testDatabase();
  const db = new Pool({ connectionString: database.dsn });
  const locker = new Client({ connectionString: database.dsn });
  await locker.connect();
  const accounts = createAccounts({ db, ring: testSecrets(db).ring, log: pino({ level: "silent" }) }, [], () => 0);
  await accounts.ensure([accountId]);
  await locker.query("begin; lock table accounts in access exclusive mode");
  const refreshed = accounts.refresh(() => []);
  // Known, so it is not read: the command that asks goes on at once.
  await accounts.ensure([accountId]);
  await locker.query("commit");
  await refreshed;
  expect(accounts.get(accountId)).toBeDefined();

  await accounts.refresh(() => []);
  expect(accounts.get(accountId)).toBeUndefined();
  await locker.end();
  await db.end();
});
