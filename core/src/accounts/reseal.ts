// Every secret sealed again with the ring's first key, in batches: after it, the other keys open nothing that is still there. What does not open
// stays as it is and is named. Idempotent, and safe beside services that read and write meanwhile.
import type { PoolClient } from "pg";
import * as v from "valibot";
import type { SecretRing } from "./sealing.ts";

const sealedRows = v.array(
  v.object({
    id: v.string(),
    account_id: v.string(),
    tenant_id: v.string(),
    purpose: v.string(),
    scheme: v.string(),
    key_name: v.string(),
    sealed: v.instance(Uint8Array),
  }),
);

export interface ResealedBatch {
  resealed: number;
  /** Where the next batch begins; undefined when nothing follows. */
  next: string | undefined;
  refused: { accountId: string; keyName: string }[];
}

export const firstBatch = "0";

/** Up to `limit` secrets that another key than the first has sealed. */
export async function resealBatch(client: PoolClient, ring: SecretRing, after: string, limit: number): Promise<ResealedBatch> {
  // Whoever changes an account's secrets holds the account first, and takes them in an order of its own: who took these first would meet it.
  await client.query(
    `select from accounts where id in (select account_id from account_secrets where id > $1 and key_name <> $2 order by id limit $3)
      order by id for no key update`,
    [after, ring.sealsWith, limit],
  );
  const { rows } = await client.query(
    `select s.id, s.account_id, a.tenant_id, s.purpose, s.scheme, s.key_name, s.sealed
       from account_secrets s join accounts a on a.id = s.account_id
      where s.id > $1 and s.key_name <> $2 order by s.id limit $3 for update of s`,
    [after, ring.sealsWith, limit],
  );
  const found = v.parse(sealedRows, rows);
  const refused: ResealedBatch["refused"] = [];
  const fresh = found.flatMap(
    ({ id, account_id: accountId, tenant_id: tenantId, purpose, scheme, key_name: keyName, sealed }) => {
      const place = { tenantId, accountId, purpose, scheme };
      const opened = ring.open(place, { keyName, bytes: sealed });
      if (opened.kind === "opened") return [{ id, ...ring.seal(place, opened.value) }];
      refused.push({ accountId, keyName });
      return [];
    },
  );
  await client.query(
    `update account_secrets set key_name = fresh.key_name, sealed = fresh.sealed
       from unnest($1::bigint[], $2::text[], $3::bytea[]) as fresh (id, key_name, sealed) where account_secrets.id = fresh.id`,
    [fresh.map(({ id }) => id), fresh.map(({ keyName }) => keyName), fresh.map(({ bytes }) => bytes)],
  );
  return { resealed: fresh.length, refused, next: found.length < limit ? undefined : found.at(-1)?.id };
}
