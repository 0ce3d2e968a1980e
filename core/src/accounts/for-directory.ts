// Accounts as the edge's directory speaks of them, all in one statement. A secret that does not open is its account's alone.
import type { Pool } from "pg";
import * as v from "valibot";
import { closing, closingsOfPresentLayout, previousLayout } from "./layouts.ts";
import type { OpenedSecret, SecretRing } from "./sealing.ts";

/** As JSON has bytes and times. */
const sealedSecret = v.object({
  scheme: v.string(),
  key_name: v.string(),
  sealed: v.pipe(
    v.string(),
    v.transform((base64) => Buffer.from(base64, "base64")),
  ),
  not_after: v.nullable(
    v.pipe(
      v.string(),
      v.transform((text) => new Date(text)),
    ),
  ),
});

const directoryRow = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  external_id: v.string(),
  settings: v.record(v.string(), v.string()),
  home_region: v.string(),
  shard_count: v.number(),
  shard_generation: v.string(),
  previous_layouts: v.array(previousLayout),
  /** Of the present layout. */
  closings: v.array(closing),
  row_version: v.string(),
  disabled: v.boolean(),
  secrets: v.array(sealedSecret),
});
type DirectoryRow = v.InferOutput<typeof directoryRow>;

export interface DirectoryAccount extends Omit<DirectoryRow, "secrets"> {
  /** What verifies webhooks and is valid now, but for what does not open. */
  secrets: { scheme: string; value: string; not_after: Date | null }[];
  refused: Extract<OpenedSecret, { kind: "refused" }>[];
}

/** Disabled ones too, the oldest first. */
export async function accountsForDirectory(db: Pool, ring: SecretRing): Promise<DirectoryAccount[]> {
  const found = await db.query(
    `select a.id, a.tenant_id, a.channel_type, a.external_id, a.settings, a.home_region, a.shard_count, a.shard_generation, a.previous_layouts,
            a.row_version, a.disabled_at is not null as disabled, ${closingsOfPresentLayout} as closings,
            coalesce(jsonb_agg(jsonb_build_object('scheme', s.scheme, 'key_name', s.key_name, 'sealed', encode(s.sealed, 'base64'),
              'not_after', s.not_after) order by s.created_at, s.scheme, s.value_index) filter (where s.account_id is not null), '[]') as secrets
       from accounts a
       left join account_secrets s on s.account_id = a.id and s.purpose = 'verification' and s.sealed is not null
         and (s.not_after is null or s.not_after > now())
      group by a.id order by a.created_at, a.id`,
  );
  return v.parse(v.array(directoryRow), found.rows).map((row) => withOpened(row, ring));
}

function withOpened(row: DirectoryRow, ring: SecretRing): DirectoryAccount {
  const secrets: DirectoryAccount["secrets"] = [];
  const refused: DirectoryAccount["refused"] = [];
  for (const { scheme, key_name: keyName, sealed, not_after } of row.secrets) {
    const place = { tenantId: row.tenant_id, accountId: row.id, purpose: "verification", scheme };
    const opened = ring.open(place, { keyName, bytes: sealed });
    if (opened.kind === "opened") secrets.push({ scheme, value: opened.value, not_after });
    else refused.push(opened);
  }
  return { ...row, secrets, refused };
}
