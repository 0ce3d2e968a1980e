// The database made ready for the local system: migrations, the tenant, and an account for each simulated platform. Done again at every
// start, and changes nothing then, but where a simulator has moved to another port.
import { createAccount, updateAccount } from "@mio/core/admin/accounts.ts";
import { createTenant } from "@mio/core/admin/tenants.ts";
import { migrate } from "@mio/core/db/migrate.ts";
import { Pool } from "pg";
import { localTenant, type SimulatedAccount } from "./simulated-account.ts";

export async function provisionDatabase(dsn: string, accounts: readonly SimulatedAccount[]): Promise<void> {
  await migrate(dsn);
  const db = new Pool({ connectionString: dsn, max: 2, application_name: "mio-local" });
  db.on("error", () => undefined);
  try {
    await createTenant(db, localTenant);
    const channelTypes = accounts.map((account) => account.channelType);
    for (const { accountId, channelType, app } of accounts) {
      const present = await db.query("select 1 from accounts where id = $1", [accountId]);
      if (present.rowCount === 0) {
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
