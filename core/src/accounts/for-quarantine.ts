// Accounts as a quarantined request finds them: by the id that the edge gave it, or by the workspace that it claims.
import { isUuid } from "@mio/shared/ids.ts";
import type { Pool } from "pg";
import * as v from "valibot";

const ownerRow = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  external_id: v.string(),
  settings: v.record(v.string(), v.string()),
  home_region: v.string(),
  shard_count: v.number(),
  disabled: v.boolean(),
});
export type OwningAccount = v.InferOutput<typeof ownerRow>;

const columns = `id, tenant_id, channel_type, external_id, settings, home_region, shard_count,
  disabled_at is not null as disabled`;

export async function accountOfChannel(db: Pool, channelType: string, id: string): Promise<OwningAccount | undefined> {
  if (!isUuid(id)) return undefined;
  return first(await db.query(`select ${columns} from accounts where id = $1 and channel_type = $2`, [id, channelType]));
}

/** The live account, else the one that was disabled last; the result says which. */
export async function accountOfWorkspace(db: Pool, channelType: string, workspace: string): Promise<OwningAccount | undefined> {
  const found = await db.query(
    `select ${columns} from accounts where channel_type = $1 and external_id = $2 order by disabled_at desc nulls first limit 1`,
    [channelType, workspace.replaceAll("\0", "\ufffd")],
  );
  return first(found);
}

function first({ rows }: { rows: unknown[] }): OwningAccount | undefined {
  return rows.length === 0 ? undefined : v.parse(ownerRow, rows[0]);
}
