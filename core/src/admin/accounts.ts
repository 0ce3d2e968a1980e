// Accounts in Postgres: one tenant's place on one platform, with what verifies its webhooks and what sends for it.
// Every change draws a new row_version, which the directory carries to the edge; the same command again changes nothing.

import { accountIdOf, isUuid, type TenantId } from "@mio/shared/ids.ts";
import { DatabaseError, type Pool, type PoolClient } from "pg";
import * as v from "valibot";
import { inTransaction } from "../db/in-transaction.ts";
import { directoryNotification } from "../db/listen.ts";
import { AdminError } from "./admin-error.ts";
import { getTenant } from "./tenants.ts";

const accountRow = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  external_id: v.string(),
  display_name: v.string(),
  settings: v.record(v.string(), v.string()),
  rate_limit_per_second: v.nullable(v.number()),
  home_region: v.string(),
  shard_count: v.number(),
  shard_generation: v.pipe(v.string(), v.transform(Number)),
  created_at: v.date(),
  disabled_at: v.nullable(v.date()),
});
export type Account = v.InferOutput<typeof accountRow>;

const columns = Object.keys(accountRow.entries).join(", ");

export interface AccountSecret {
  scheme: string;
  value: string;
}

export interface NewAccount {
  tenant: string;
  channelType: string;
  externalId: string;
  displayName?: string | undefined;
  settings?: Record<string, string>;
  ratePerSecond?: number | undefined;
  homeRegion?: string | undefined;
  verification: AccountSecret[];
  credential?: string | undefined;
}

/** What an update may change; what is left out stays. Settings are merged by name. */
interface AccountChange {
  displayName?: string | undefined;
  settings?: Record<string, string>;
  ratePerSecond?: number | undefined;
}

/** `created` is false when the same account was there already. Throws AdminError when it is there with other details. */
export async function createAccount(
  db: Pool,
  wanted: NewAccount,
  channelTypes: readonly string[],
): Promise<{ account: Account; created: boolean }> {
  if (!channelTypes.includes(wanted.channelType)) {
    throw new AdminError(
      "invalid",
      `there is no channel type ${JSON.stringify(wanted.channelType)}; there are ${channelTypes.join(", ")}`,
    );
  }
  if (wanted.externalId === "")
    throw new AdminError("invalid", "an account needs the platform's id of its workspace, organisation or bot");
  if (wanted.verification.length === 0)
    throw new AdminError("invalid", "an account needs a secret that verifies its webhooks; nothing is accepted without one");
  const tenant = await getTenant(db, wanted.tenant);
  const id = accountIdOf(tenant.id as TenantId, wanted.channelType, wanted.externalId);
  return inTransaction(db, async (client) => {
    const inserted = await insertAccount(client, { id, tenantId: tenant.id, ...wanted });
    if (!inserted) {
      const account = await readAccount(client, id);
      await refuseOtherDetails(client, account, wanted);
      return { account, created: false };
    }
    const secrets = wanted.verification.map((secret) => ["verification", secret.scheme, secret.value]);
    if (wanted.credential !== undefined) {
      const { scheme, value } = credentialOf(wanted.credential);
      secrets.push(["credential", scheme, value]);
    }
    for (const [purpose, scheme, value] of secrets) {
      await client.query("insert into account_secrets (account_id, purpose, scheme, value) values ($1, $2, $3, $4)", [
        id,
        purpose,
        scheme,
        value,
      ]);
    }
    await client.query(`notify ${directoryNotification}`);
    return { account: inserted, created: true };
  }).catch((error: unknown) => {
    throw isWorkspaceTaken(error)
      ? new AdminError("exists", "another live account has this workspace; one workspace belongs to one account")
      : error;
  });
}

/** The row alone, without secrets; undefined when it is there already. Throws what `isWorkspaceTaken` knows. */
export async function insertAccount(
  client: PoolClient,
  wanted: Omit<NewAccount, "tenant" | "verification" | "credential"> & { id: string; tenantId: string },
): Promise<Account | undefined> {
  // Two at the same moment would meet at the primary key, which is not the one that the insert may conflict on: the later one waits here.
  await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [wanted.id]);
  const inserted = await client.query(
    `insert into accounts (id, tenant_id, channel_type, external_id, display_name, settings, rate_limit_per_second, home_region)
     values ($1, $2, $3, $4, $5, $6, $7, coalesce($8, 'local')) on conflict (tenant_id, channel_type, external_id) do nothing returning ${columns}`,
    [
      wanted.id,
      wanted.tenantId,
      wanted.channelType,
      wanted.externalId,
      wanted.displayName ?? wanted.externalId,
      wanted.settings ?? {},
      wanted.ratePerSecond ?? null,
      wanted.homeRegion ?? null,
    ],
  );
  return inserted.rows.length === 0 ? undefined : v.parse(accountRow, inserted.rows[0]);
}

/** Throws AdminError when there is no such account. */
export async function updateAccount(
  db: Pool,
  id: string,
  change: AccountChange,
): Promise<{ account: Account; changed: boolean }> {
  return inTransaction(db, async (client) => {
    const before = await readAccount(client, id);
    const updated = await client.query(
      `update accounts set display_name = coalesce($2, display_name), settings = settings || $3,
         rate_limit_per_second = coalesce($4, rate_limit_per_second), row_version = nextval('directory_row_version')
       where id = $1 and (display_name, settings, rate_limit_per_second) is distinct from
         (coalesce($2, display_name), settings || $3, coalesce($4, rate_limit_per_second)) returning ${columns}`,
      [id, change.displayName ?? null, change.settings ?? {}, change.ratePerSecond ?? null],
    );
    if (updated.rows.length === 0) return { account: before, changed: false };
    await client.query(`notify ${directoryNotification}`);
    return { account: v.parse(accountRow, updated.rows[0]), changed: true };
  });
}

/** Within seconds its webhooks are kept aside in quarantine and its commands fail. Throws AdminError when there is no such account. */
export async function disableAccount(db: Pool, id: string): Promise<{ account: Account; changed: boolean }> {
  return inTransaction(db, async (client) => {
    const before = await readAccount(client, id);
    if (before.disabled_at !== null) return { account: before, changed: false };
    const updated = await client.query(
      `update accounts set disabled_at = now(), row_version = nextval('directory_row_version') where id = $1 returning ${columns}`,
      [id],
    );
    await client.query(`notify ${directoryNotification}`);
    return { account: v.parse(accountRow, updated.rows[0]), changed: true };
  });
}

/** Disabled ones too. Throws AdminError when there is no such tenant. */
export async function listAccounts(db: Pool, tenantSlug?: string): Promise<Account[]> {
  const tenant = tenantSlug === undefined ? undefined : await getTenant(db, tenantSlug);
  const found = await db.query(
    `select ${columns} from accounts where $1::uuid is null or tenant_id = $1 order by channel_type, created_at, id`,
    [tenant?.id ?? null],
  );
  return v.parse(v.array(accountRow), found.rows);
}

/** Throws AdminError when there is no such account. */
export async function findAccount(db: Pick<Pool, "query">, id: string): Promise<Account> {
  const found = isUuid(id) ? await db.query(`select ${columns} from accounts where id = $1`, [id]) : { rows: [] };
  if (found.rows.length === 0) throw noAccount(id);
  return v.parse(accountRow, found.rows[0]);
}

/** Locks its row until the transaction ends. Throws AdminError when there is no such account. */
export async function readAccount(client: PoolClient, id: string): Promise<Account> {
  const found = isUuid(id) ? await client.query(`select ${columns} from accounts where id = $1 for update`, [id]) : { rows: [] };
  if (found.rows.length === 0) throw noAccount(id);
  return v.parse(accountRow, found.rows[0]);
}

function noAccount(id: string): AdminError {
  return new AdminError("not_found", `there is no account ${JSON.stringify(id)}; "mio account list" shows them`);
}

async function refuseOtherDetails(client: PoolClient, account: Account, wanted: NewAccount): Promise<void> {
  const secrets = await client.query<{ purpose: string; scheme: string; value: string }>(
    "select purpose, scheme, value from account_secrets where account_id = $1 and (not_after is null or not_after > now())",
    [account.id],
  );
  const holds = (purpose: string, { scheme, value }: AccountSecret) =>
    secrets.rows.some((row) => row.purpose === purpose && row.scheme === scheme && row.value === value);
  const changeable = [
    wanted.displayName !== undefined && wanted.displayName !== account.display_name && "display name",
    Object.entries(wanted.settings ?? {}).some(([name, value]) => account.settings[name] !== value) && "settings",
    wanted.ratePerSecond !== undefined && wanted.ratePerSecond !== account.rate_limit_per_second && "rate limit",
  ].filter((each) => each !== false);
  const secretDetails = [
    !wanted.verification.every((secret) => holds("verification", secret)) && "verification secret",
    wanted.credential !== undefined && !holds("credential", credentialOf(wanted.credential)) && "credential",
  ].filter((each) => each !== false);
  const advice = [
    changeable.length > 0 && `other ${changeable.join(", ")}: change it with "mio account update"`,
    secretDetails.length > 0 &&
      `other ${secretDetails.join(", ")}: "mio account create" does not replace a secret; name the present one, or see "mio account rotate-secret"`,
    wanted.homeRegion !== undefined &&
      wanted.homeRegion !== account.home_region &&
      `home region ${account.home_region}: name that one, or change it with "mio account move"`,
    account.disabled_at !== null &&
      "disabled: it cannot be enabled again; its workspace is free for an account of another tenant",
  ].filter((each) => each !== false);
  if (advice.length > 0) throw new AdminError("exists", `account ${account.id} exists with other details (${advice.join("; ")})`);
}

function credentialOf(value: string): AccountSecret {
  return { scheme: "token", value };
}

/** Another live account has the workspace. */
export function isWorkspaceTaken(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === uniqueViolation && error.constraint === "accounts_workspace";
}

/** Postgres: unique_violation. */
const uniqueViolation = "23505";
