// Closing markers of uplinks about an account's older layouts. One is noted only when all that stood before it in its partition is finished, so
// what admin reads here is: no event of an older layout will follow from this shard's uplink at this edge, and none is left to do.
import type { Pool } from "pg";
import { directoryNotification } from "../db/listen.ts";

export interface PlannedClosing {
  kind: "closing";
  accountId: string;
  /** Of the layout that replaces the older ones; decimal, as the column `generation` takes it. */
  layoutVersion: string;
  region: string;
  shard: number;
  edge: string;
}

/**
 * Idempotent. A marker that is not of the account's present layout is late and means nothing. The directory's version
 * rises with it, so that no late publisher takes it back.
 */
export async function noteClosings(db: Pool, closings: readonly PlannedClosing[]): Promise<void> {
  for (const { accountId, layoutVersion, region, shard, edge } of closings)
    await db.query(
      `with noted as (
         insert into layout_closings (account_id, generation, region, shard, edge)
         select id, shard_generation, $3, $4, $5 from accounts where id = $1 and shard_generation = $2
         on conflict do nothing returning account_id),
       raised as (
         update accounts set row_version = nextval('directory_row_version') where id in (select account_id from noted) returning 1)
       select pg_notify('${directoryNotification}', '') from raised`,
      [accountId, layoutVersion, region, shard, edge],
    );
}
