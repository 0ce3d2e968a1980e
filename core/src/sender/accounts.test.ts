// What the sender remembers of accounts while they come and go beside its reads.
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { replaceCredential, testControl, testSecrets } from "@mio/proving/kit/database/secrets.ts";
import { sampleChannel } from "@mio/proving/kit/sample-channel/inbound.ts";
import { sampleOutbound } from "@mio/proving/kit/sample-channel/outbound.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { Client, Pool } from "pg";
import { pino } from "pino";
import { expect, it } from "vitest";
import { insertAccount } from "../accounts/accounts.ts";
import { createTenant } from "../control/tenants/operation.ts";
import { inTransaction } from "../db/in-transaction.ts";
import { createAccounts, storeBlock } from "./accounts.ts";

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

it("G8: keeps what a platform told an account to wait, also when a new owner meets it with a credential that does not open", async () => {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await testDatabase());
  const db = stack.adopt(new Pool({ connectionString: database.dsn }), (pool) => pool.end());
  const tenantId = tenantIdOf("acme");
  const id = accountIdOf(tenantId, sampleChannel, "a");
  await createTenant(testControl(db), "acme");
  await inTransaction(db, (client) =>
    insertAccount(client, { id, tenantId, channelType: sampleChannel, externalId: "a", settings: {} }),
  );
  await replaceCredential(db, { id, tenant_id: tenantId }, "secret");
  await storeBlock(db, id, 600_000);
  await db.query("update account_secrets set key_name = 'gone:0'");

  const accounts = createAccounts(
    { db, ring: testSecrets(db).ring, log: pino({ level: "silent" }) },
    [sampleOutbound()],
    () => 0,
  );
  await accounts.ensure([id]);
  expect(accounts.get(id)?.kind).toBe("held");
  await replaceCredential(db, { id, tenant_id: tenantId }, "secret");
  await accounts.refresh(() => [id]);
  expect(accounts.get(id)?.kind).toBe("ready");
  expect(accounts.blockedUntil().get(id)).toBeGreaterThan(500_000);
});
