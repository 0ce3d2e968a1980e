// The database made ready for the local system: migrations, the tenant, and an account for each simulated platform. Done again at every
// start, and changes nothing then, but where a simulator has moved to another port.
import { createAccount, listAccounts, updateAccount } from "@mio/core/control/accounts/operation.ts";
import { createTenant } from "@mio/core/control/tenants/operation.ts";
import { migrate } from "@mio/core/db/migrate.ts";
import { Pool } from "pg";
import { localTenant, type SimulatedAccount } from "./simulated-account.ts";

export async function provisionDatabase(dsn: string, accounts: readonly SimulatedAccount[]): Promise<void> {
  await migrate(dsn);
  const db = new Pool({ connectionString: dsn, max: 2, application_name: "mio-local" });
  db.on("error", () => undefined);
  try {
    await createTenant(db, localTenant);
    const present = new Set((await listAccounts(db, localTenant)).map(({ id }) => id));
    const channelTypes = accounts.map((account) => account.channelType);
    for (const { accountId, channelType, app } of accounts) {
      if (!present.has(accountId)) {
        const { externalId, displayName, settings, secrets, credential } = app.account;
        const wanted = { tenant: localTenant, channelType, externalId, displayName, settings, verification: secrets, credential };
        await createAccount(db, wanted, channelTypes);
      } else {
        await updateAccount(db, accountId, { settings: app.account.settings });
      }
    }
  } finally {
    await db.end();
  }
}
