// Accounts as a sender needs them: what sends, where to, how fast. One statement for as many as are wanted; a credential that does not open is
// its account's alone.
import { isUuid } from "@mio/shared/ids.ts";
import type { Pool } from "pg";
import * as v from "valibot";
import type { OpenedSecret, SecretRing } from "./sealing.ts";

const sendingRow = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  external_id: v.string(),
  settings: v.record(v.string(), v.string()),
  rate_limit_per_second: v.nullable(v.number()),
  disabled: v.boolean(),
  scheme: v.nullable(v.string()),
  key_name: v.nullable(v.string()),
  sealed: v.nullable(v.instance(Uint8Array)),
});
type SendingRow = v.InferOutput<typeof sendingRow>;

export interface SendingAccount extends Omit<SendingRow, "scheme" | "key_name" | "sealed"> {
  credential: OpenedSecret | { kind: "none" };
}

/** By id; without those that there are not. Of several credentials the newest that does not end, else the newest. */
export async function accountsForSending(
  db: Pool,
  ring: SecretRing,
  ids: readonly string[],
): Promise<Map<string, SendingAccount>> {
  const found = await db.query(
    `select a.id, a.tenant_id, a.channel_type, a.external_id, a.settings, a.rate_limit_per_second, a.disabled_at is not null as disabled,
            s.scheme, s.key_name, s.sealed
     from accounts a left join lateral (
       select scheme, key_name, sealed from account_secrets
        where account_id = a.id and purpose = 'credential' and sealed is not null and (not_after is null or not_after > now())
        order by not_after is null desc, created_at desc limit 1) s on true
     where a.id = any($1::uuid[])`,
    [ids.filter(isUuid)],
  );
  return new Map(
    v.parse(v.array(sendingRow), found.rows).map(({ scheme, key_name, sealed, ...row }) => {
      return [row.id, { ...row, credential: opened(ring, row, scheme, key_name, sealed) }];
    }),
  );
}

function opened(
  ring: SecretRing,
  { id: accountId, tenant_id: tenantId }: Pick<SendingRow, "id" | "tenant_id">,
  scheme: string | null,
  keyName: string | null,
  bytes: Uint8Array | null,
): SendingAccount["credential"] {
  if (scheme === null || keyName === null || bytes === null) return { kind: "none" };
  return ring.open({ tenantId, accountId, purpose: "credential", scheme }, { keyName, bytes });
}
