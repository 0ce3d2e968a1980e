// What a list of installs says of their tenants and accounts.
import type { Pool } from "pg";
import * as v from "valibot";

const nameRows = v.array(v.object({ id: v.string(), display_name: v.string() }));

/** Display names of tenants, by id. */
export async function tenantNames(db: Pick<Pool, "query">, ids: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await db.query("select id, display_name from tenants where id = any($1::uuid[])", [ids]);
  return new Map(v.parse(nameRows, rows).map(({ id, display_name }) => [id, display_name]));
}

const secretRows = v.array(
  v.object({
    account_id: v.string(),
    /** The account has something that verifies webhooks; without it none is accepted. */
    receives: v.boolean(),
    /** When its credential ends by itself; null: never, or there is none. */
    credential_ends_at: v.nullable(v.date()),
  }),
);

/** By account; without those that have no secret at all. */
export async function secretEnds(
  db: Pick<Pool, "query">,
  accountIds: readonly string[],
): Promise<Map<string, v.InferOutput<typeof secretRows>[number]>> {
  const { rows } = await db.query(
    `select account_id, bool_or(purpose = 'verification' and (not_after is null or not_after > now())) as receives,
            max(not_after) filter (where purpose = 'credential') as credential_ends_at
       from account_secrets where account_id = any($1::uuid[]) group by account_id`,
    [accountIds],
  );
  return new Map(v.parse(secretRows, rows).map((row) => [row.account_id, row]));
}
