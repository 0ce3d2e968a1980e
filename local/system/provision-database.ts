// The database made ready for the local system: migrations, the tenant, and an account for each simulated platform. Done again at every
// start, and changes nothing then, but where a simulator has moved to another port.
import { randomBytes } from "node:crypto";
import { createAccount, listAccounts, updateAccount } from "@mio/core/control/accounts/operation.ts";
import { systemUser } from "@mio/core/control/actor.ts";
import type { Control } from "@mio/core/control/control.ts";
import { grantServices, migrate } from "@mio/core/control/database/operation.ts";
import { type OpenedControl, openControl } from "@mio/core/control/open-control.ts";
import { createTenant } from "@mio/core/control/tenants/operation.ts";
import { parseSealingKeys } from "@mio/shared/bus/wire/sealed-value.ts";
import { Client } from "pg";
import type { SealingKeys } from "./sealing-keys.ts";
import { localTenant, type SimulatedAccount } from "./simulated-account.ts";

const servicesRole = "mio_services";

/** What core logs in with, in a database of our own: a role that owns nothing, under a password that is new at every start. */
export async function servicesLogin(dsn: string): Promise<string> {
  const client = new Client({ connectionString: dsn, application_name: "mio-local" });
  const login = new URL(dsn);
  [login.username, login.password] = [servicesRole, randomBytes(16).toString("hex")];
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_roles where rolname = $1", [servicesRole]);
    await client.query(`${rowCount === 0 ? "create" : "alter"} role ${servicesRole} login password '${login.password}'`);
  } finally {
    await client.end();
  }
  await grantServices(dsn, servicesRole);
  return login.href;
}

/** `secretKeys`: as core has them. Rejects when they are others than those that sealed what the database holds. */
export async function provisionDatabase(
  dsn: string,
  secretKeys: SealingKeys,
  accounts: readonly SimulatedAccount[],
): Promise<void> {
  await migrate(dsn);
  await using opened = await openControl(dsn, "mio-local", { kind: "start", id: systemUser() });
  const control = await withRing(opened, secretKeys);
  await createTenant(control, localTenant);
  const present = new Set((await listAccounts(control.db, localTenant)).map(({ id }) => id));
  const channelTypes = accounts.map((account) => account.channelType);
  for (const { accountId, channelType, app } of accounts) {
    const { externalId, displayName, settings, secrets, credential } = app.account;
    if (present.has(accountId)) {
      await updateAccount(control, accountId, { settings });
      continue;
    }
    const wanted = { tenant: localTenant, channelType, externalId, displayName, settings, verification: secrets, credential };
    await createAccount(control, wanted, channelTypes);
  }
}

/** A ring that was lost was made anew at this start: said here, not by accounts that wait for their secrets. */
async function withRing(opened: OpenedControl, { file, text }: SealingKeys): Promise<Control> {
  try {
    const control = await opened.withSecrets(parseSealingKeys(text) ?? []);
    await control.secrets.forWriting();
    return control;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${file}: ${reason}, or remove it and the folder postgres beside it, and begin anew`, { cause });
  }
}
