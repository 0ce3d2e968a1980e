// Accounts as a sender needs them: what sends, where to, how fast. One statement for as many as are wanted.
import { isUuid } from "@mio/shared/ids.ts";
import type { Pool } from "pg";
import * as v from "valibot";

const sendingRow = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  external_id: v.string(),
  settings: v.record(v.string(), v.string()),
  rate_limit_per_second: v.nullable(v.number()),
  disabled: v.boolean(),
  credential: v.nullable(v.string()),
});
export type SendingAccount = v.InferOutput<typeof sendingRow>;

/** By id; without those that there are not. Of several credentials the newest that does not end, else the newest. */
export async function accountsForSending(db: Pool, ids: readonly string[]): Promise<Map<string, SendingAccount>> {
  const found = await db.query(
    `select a.id, a.tenant_id, a.channel_type, a.external_id, a.settings, a.rate_limit_per_second, a.disabled_at is not null as disabled,
       (select s.value from account_secrets s where s.account_id = a.id and s.purpose = 'credential'
          and (s.not_after is null or s.not_after > now())
        order by s.not_after is null desc, s.created_at desc limit 1) as credential
     from accounts a where a.id = any($1::uuid[])`,
    [ids.filter(isUuid)],
  );
  return new Map(v.parse(v.array(sendingRow), found.rows).map((row) => [row.id, row]));
}
