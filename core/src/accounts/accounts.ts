// The rows of accounts: one tenant's place on one platform. Each function is one statement or two; who may call it, and what it means for
// people, is decided above.
import { isUuid } from "@mio/shared/ids.ts";
import { DatabaseError, type Pool, type PoolClient } from "pg";
import * as v from "valibot";
import { announce, announceChange } from "./change.ts";

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

interface AccountDetails {
  displayName?: string | undefined;
  /** Merged by name. */
  settings?: Record<string, string> | undefined;
  ratePerSecond?: number | undefined;
}

export interface AccountToInsert extends AccountDetails {
  id: string;
  tenantId: string;
  channelType: string;
  externalId: string;
  homeRegion?: string | undefined;
}

/** Undefined when it is there already. Throws what `isWorkspaceTaken` knows. */
export async function insertAccount(client: PoolClient, wanted: AccountToInsert): Promise<Account | undefined> {
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
  if (inserted.rows.length > 0) await announce(client);
  return first(inserted);
}

/** What is left out stays. Undefined when nothing differs. */
export async function changeAccount(client: PoolClient, id: string, to: AccountDetails): Promise<Account | undefined> {
  const changed = await client.query(
    `update accounts set display_name = coalesce($2, display_name), settings = settings || $3,
       rate_limit_per_second = coalesce($4, rate_limit_per_second)
     where id = $1 and (display_name, settings, rate_limit_per_second) is distinct from
       (coalesce($2, display_name), settings || $3, coalesce($4, rate_limit_per_second)) returning ${columns}`,
    [id, to.displayName ?? null, to.settings ?? {}, to.ratePerSecond ?? null],
  );
  if (changed.rows.length > 0) await announceChange(client, id);
  return first(changed);
}

/** Undefined when there is none, and when it is disabled already. */
export async function endAccount(client: PoolClient, id: string): Promise<Account | undefined> {
  const ended = await client.query(
    `update accounts set disabled_at = now() where id = $1 and disabled_at is null returning ${columns}`,
    [id],
  );
  if (ended.rows.length > 0) await announceChange(client, id);
  return first(ended);
}

/** Disabled ones too. */
export async function selectAccounts(db: Pick<Pool, "query">, tenantId?: string): Promise<Account[]> {
  const found = await db.query(
    `select ${columns} from accounts where $1::uuid is null or tenant_id = $1 order by channel_type, created_at, id`,
    [tenantId ?? null],
  );
  return v.parse(v.array(accountRow), found.rows);
}

export async function selectAccount(db: Pick<Pool, "query">, id: string): Promise<Account | undefined> {
  return isUuid(id) ? first(await db.query(`select ${columns} from accounts where id = $1`, [id])) : undefined;
}

/** Its row stays as it is until the transaction ends. */
export async function lockAccount(client: PoolClient, id: string): Promise<Account | undefined> {
  return isUuid(id) ? first(await client.query(`select ${columns} from accounts where id = $1 for update`, [id])) : undefined;
}

/** Another live account has the workspace. */
export function isWorkspaceTaken(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === uniqueViolation && error.constraint === "accounts_workspace";
}

/** Postgres: unique_violation. */
const uniqueViolation = "23505";

function first({ rows }: { rows: unknown[] }): Account | undefined {
  return rows.length === 0 ? undefined : v.parse(accountRow, rows[0]);
}
