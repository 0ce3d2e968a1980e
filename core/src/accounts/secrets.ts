// The rows of accounts' secrets: what verifies webhooks, what sends, and what renews that. They are sealed before they reach a statement, and
// the same one is known by its index, so neither Postgres nor a log of its statements ever sees a value.
import type { Pool, PoolClient } from "pg";
import * as v from "valibot";
import { announceChange } from "./change.ts";
import type { SecretWriter } from "./secret-store.ts";

/** verification: checks webhooks. credential: sends. refresh: renews a credential that ends by itself. */
export type Purpose = "verification" | "credential" | "refresh";

export interface AccountSecret {
  scheme: string;
  value: string;
}

interface SecretToInsert extends AccountSecret {
  purpose: Purpose;
  endsInSeconds?: number | undefined;
}

/** A scheme for what is nothing but a token. */
export const tokenScheme = "token";

/** Whose they are: what is sealed for one account opens for no other. */
export interface SecretOwner {
  id: string;
  tenant_id: string;
}

/** Of an account that was made in this transaction, and is announced with it. What is there already stays as it is, its end too. */
export async function insertSecrets(
  client: PoolClient,
  { ring, indexOf }: SecretWriter,
  owner: SecretOwner,
  secrets: readonly SecretToInsert[],
): Promise<void> {
  for (const { purpose, scheme, value, endsInSeconds } of secrets) {
    const { keyName, bytes } = ring.seal({ tenantId: owner.tenant_id, accountId: owner.id, purpose, scheme }, value);
    await client.query(
      `insert into account_secrets (account_id, purpose, scheme, key_name, sealed, value_index, not_after)
       values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second') on conflict do nothing`,
      [owner.id, purpose, scheme, keyName, bytes, indexOf(purpose, { scheme, value }), endsInSeconds ?? null],
    );
  }
}

/** These in the place of every credential and what renews one. What verifies webhooks is added where it is missing: a rotation that runs goes on. */
export async function replaceTokens(
  client: PoolClient,
  writer: SecretWriter,
  owner: SecretOwner,
  secrets: readonly SecretToInsert[],
): Promise<void> {
  await client.query("delete from account_secrets where account_id = $1 and purpose in ('credential', 'refresh')", [owner.id]);
  await insertSecrets(client, writer, owner, secrets);
  await announceChange(client, owner.id);
}

/** Whether each of these is the account's and valid now, in their order. */
export async function areHeld(
  client: PoolClient,
  { indexOf }: Pick<SecretWriter, "indexOf">,
  accountId: string,
  secrets: readonly (AccountSecret & { purpose: Purpose })[],
): Promise<boolean[]> {
  const found = await client.query<{ held: string }>(
    `select purpose || ' ' || encode(value_index, 'hex') as held from account_secrets
     where account_id = $1 and (not_after is null or not_after > now())`,
    [accountId],
  );
  const held = new Set(found.rows.map((row) => row.held));
  return secrets.map(({ purpose, ...secret }) => held.has(`${purpose} ${indexOf(purpose, secret).toString("hex")}`));
}

/**
 * The only verification secret of its scheme without an end: others of the scheme end `overlapMs` from now, or earlier where that is decided
 * already. By the clock of each one's turn: `now()` is when a transaction began, so a later turn could move the end. False when all was so.
 */
export async function replaceVerification(
  client: PoolClient,
  { ring, indexOf }: SecretWriter,
  owner: SecretOwner,
  { scheme, value }: AccountSecret,
  overlapMs: number,
): Promise<boolean> {
  const purpose = "verification";
  const index = indexOf(purpose, { scheme, value });
  const { keyName, bytes } = ring.seal({ tenantId: owner.tenant_id, accountId: owner.id, purpose, scheme }, value);
  // A secret that is there but about to end, or has ended, is taken back: rotating to it says that it is the one.
  const added = await client.query(
    `insert into account_secrets (account_id, purpose, scheme, key_name, sealed, value_index) values ($1, 'verification', $2, $3, $4, $5)
     on conflict (account_id, purpose, scheme, value_index) do update set not_after = null
       where account_secrets.not_after is not null returning 1`,
    [owner.id, scheme, keyName, bytes, index],
  );
  // `least` ignores null. An end in the past stays as it is.
  const ending = await client.query(
    `update account_secrets set not_after = least(not_after, clock_timestamp() + $4 * interval '1 millisecond')
     where account_id = $1 and purpose = 'verification' and scheme = $2 and value_index <> $3
       and (not_after is null or not_after > clock_timestamp() + $4 * interval '1 millisecond') returning 1`,
    [owner.id, scheme, index, overlapMs],
  );
  const changed = added.rows.length > 0 || ending.rows.length > 0;
  if (changed) await announceChange(client, owner.id);
  return changed;
}

const validRows = v.array(v.object({ scheme: v.string(), not_after: v.nullable(v.date()) }));

/** What verifies the account's webhooks now, without values: the newest last to end first. */
export async function selectVerifications(client: PoolClient, accountId: string): Promise<v.InferOutput<typeof validRows>> {
  const { rows } = await client.query(
    `select scheme, not_after from account_secrets
     where account_id = $1 and purpose = 'verification' and (not_after is null or not_after > clock_timestamp())
     order by not_after nulls first, scheme, created_at`,
    [accountId],
  );
  return v.parse(validRows, rows);
}

/** One account has a verification secret that the other has too. Those that are no longer valid count. */
export async function shareVerification(db: Pool, accountId: string, otherId: string): Promise<boolean> {
  const found = await db.query(
    `select from account_secrets own join account_secrets used using (purpose, scheme, value_index)
      where purpose = 'verification' and own.account_id = $1 and used.account_id = $2 limit 1`,
    [accountId, otherId],
  );
  return found.rows.length > 0;
}
