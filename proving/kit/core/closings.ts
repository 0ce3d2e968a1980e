// Closing markers of uplinks, as dedup notes them, for tests of what admin makes of them.

import { noteClosings } from "@mio/core/dedup/closings.ts";
import type { Pool } from "pg";

export type { ClosedShard as Closing } from "@mio/core/accounts/layouts.ts";

/** `place` is `<region>.<shard>`; the account's present layout version when none is given. */
export async function noteClosing(
  db: Pool,
  accountId: string,
  edge: string,
  place: string,
  layoutVersion?: number,
): Promise<void> {
  const [region = "", shard] = place.split(".");
  const { rows } = await db.query<{ g: string }>("select shard_generation as g from accounts where id = $1", [accountId]);
  const present = String(layoutVersion ?? rows[0]?.g);
  await noteClosings(db, [{ kind: "closing", accountId, layoutVersion: present, region, shard: Number(shard), edge }]);
}
