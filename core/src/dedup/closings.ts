// Closing markers of uplinks about an account's older layouts. One is noted only when all that stood before it in its partition is finished, so
// what admin reads here is: no event of an older layout will follow from this shard's uplink at this edge, and none is left to do.
import type { Pool } from "pg";
import { insertClosing } from "../accounts/layouts.ts";

export interface PlannedClosing {
  kind: "closing";
  accountId: string;
  /** Of the layout that replaces the older ones; decimal, as the column `generation` takes it. */
  layoutVersion: string;
  region: string;
  shard: number;
  edge: string;
}

/** Idempotent. A marker that is not of the account's present layout is late and means nothing. */
export async function noteClosings(db: Pool, closings: readonly PlannedClosing[]): Promise<void> {
  for (const closing of closings) await insertClosing(db, closing);
}
