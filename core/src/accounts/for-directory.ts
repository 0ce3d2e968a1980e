// Accounts as the edge's directory speaks of them, all in one statement.
import type { Pool } from "pg";
import * as v from "valibot";
import { closing, closingsOfPresentLayout, previousLayout } from "./layouts.ts";

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
  /** What verifies webhooks and is valid now. */
  secrets: v.array(
    v.object({
      scheme: v.string(),
      value: v.string(),
      not_after: v.nullable(
        v.pipe(
          v.string(),
          v.transform((text) => new Date(text)),
        ),
      ),
    }),
  ),
});
export type DirectoryAccount = v.InferOutput<typeof directoryRow>;

/** Disabled ones too, the oldest first. */
export async function accountsForDirectory(db: Pool): Promise<DirectoryAccount[]> {
  const found = await db.query(
    `select a.id, a.tenant_id, a.channel_type, a.external_id, a.settings, a.home_region, a.shard_count, a.shard_generation, a.previous_layouts,
            a.row_version, a.disabled_at is not null as disabled, ${closingsOfPresentLayout} as closings,
            coalesce(jsonb_agg(jsonb_build_object('scheme', s.scheme, 'value', s.value, 'not_after', s.not_after) order by s.created_at, s.scheme, s.value)
              filter (where s.account_id is not null), '[]') as secrets
       from accounts a
       left join account_secrets s on s.account_id = a.id and s.purpose = 'verification' and (s.not_after is null or s.not_after > now())
      group by a.id order by a.created_at, a.id`,
  );
  return v.parse(v.array(directoryRow), found.rows);
}
