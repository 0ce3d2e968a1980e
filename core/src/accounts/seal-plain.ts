// Secrets that an older version wrote, sealed where they stand: in batches, one process at a time, before anybody reads or writes a secret. What
// stood plain is emptied in the same statement, and the table and its statistics are written anew at the end, so that neither keeps a value.
import type { SealingKey } from "@mio/shared/bus/wire/sealed-value.ts";
import type { Pool, PoolClient } from "pg";
import * as v from "valibot";
import { inTransaction } from "../db/in-transaction.ts";
import { createSecretStore, type SecretStore, type SecretWriter } from "./secret-store.ts";

const batchRows = 500;
/** Any constant that no other program locks. */
const lockKey = 0x6d696f01;

const plainRows = v.array(
  v.object({
    id: v.string(),
    account_id: v.string(),
    tenant_id: v.string(),
    purpose: v.string(),
    scheme: v.string(),
    value: v.string(),
  }),
);
type PlainRow = v.InferOutput<typeof plainRows>[number];

/** The store for one database, with nothing left plain there: what every process begins with that reads or writes secrets. */
export async function readySecretStore(
  db: Pool,
  keys: readonly SealingKey[],
  report?: (sealed: number) => void,
): Promise<SecretStore> {
  const store = createSecretStore(db, keys);
  await sealPlainSecrets(db, store, report);
  return store;
}

/** How many it sealed. Idempotent; several at once wait for each other. `report` hears the count so far after each batch. */
export async function sealPlainSecrets(
  db: Pool,
  store: SecretStore,
  report: (sealed: number) => void = () => undefined,
): Promise<number> {
  if (!(await hasPlain(db))) return 0;
  const writer = await store.forWriting();
  let sealed = 0;
  for (;;) {
    const count = await inTransaction(db, async (client) => {
      await client.query("select pg_advisory_xact_lock($1)", [lockKey]);
      return sealBatch(client, writer);
    });
    if (count === 0) break;
    sealed += count;
    report(sealed);
  }
  // Emptied values still lie in pages until these are written over, and samples of them in the planner's statistics, which a dump may hold.
  // Postgres leaves a table alone that is not ours, and only warns.
  if (sealed > 0) await db.query("vacuum (full, analyze) account_secrets");
  return sealed;
}

async function hasPlain(db: Pool): Promise<boolean> {
  return (await db.query("select from account_secrets where value is not null limit 1")).rows.length > 0;
}

async function sealBatch(client: PoolClient, { ring, indexOf }: SecretWriter): Promise<number> {
  const { rows } = await client.query(
    `select s.id, s.account_id, a.tenant_id, s.purpose, s.scheme, s.value
       from account_secrets s join accounts a on a.id = s.account_id
      where s.value is not null order by s.id limit $1 for update of s`,
    [batchRows],
  );
  const plain = v.parse(plainRows, rows);
  const sealed = plain.map((row) => ({ id: row.id, ...ring.seal(placeOf(row), row.value), index: indexOf(row.purpose, row) }));
  const values = [
    sealed.map(({ id }) => id),
    sealed.map(({ keyName }) => keyName),
    sealed.map(({ bytes }) => bytes),
    sealed.map(({ index }) => index),
  ];
  const fresh = "unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[]) as fresh (id, key_name, sealed, value_index)";
  // An older version that still runs may have written what a newer one has sealed, or the same twice, for its key is gone: the first is enough.
  await client.query(
    `delete from account_secrets plain using account_secrets twin, ${fresh}
      where plain.id = fresh.id and twin.account_id = plain.account_id and twin.purpose = plain.purpose and twin.scheme = plain.scheme
        and (twin.value_index = fresh.value_index or (twin.value = plain.value and twin.id < plain.id))`,
    values,
  );
  await client.query(
    `update account_secrets set value = null, key_name = fresh.key_name, sealed = fresh.sealed, value_index = fresh.value_index
       from ${fresh} where account_secrets.id = fresh.id`,
    values,
  );
  return plain.length;
}

function placeOf({ tenant_id: tenantId, account_id: accountId, purpose, scheme }: PlainRow) {
  return { tenantId, accountId, purpose, scheme };
}
