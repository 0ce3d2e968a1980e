// Moving an account's conversations to another region or number of shards. The change itself is one row; each edge then closes the older
// layouts by itself, dedup notes when that edge's closing markers are read (layout_closings), and only then does the directory let the
// edge go over. So a move is over edge by edge, and for all when every edge that brings the account's events has gone over.
import type { PoolClient } from "pg";
import {
  type ClosedShard,
  closedBy,
  openShards,
  type PreviousLayout,
  replaceLayout,
  selectLayout,
} from "../../accounts/layouts.ts";
import { AdminError } from "../admin-error.ts";
import { type Control, changing, type Note } from "../control.ts";
import { type Account, lockedAccount } from "./operation.ts";

export interface Move {
  layout_version: number;
  previous: PreviousLayout[];
  /** Null for an account that was never moved. */
  moved_at: Date | null;
  /** Edges that have gone over. */
  closed_by: string[];
  /** What is not closed yet, by edges that bring the account's events. Empty: the move is over. */
  waits_for: ClosedShard[];
}

export const shardsMax = 1_024;
/**
 * Older layouts that every move closes again. All of the last ones, not only those of a move that is not over: an edge that nobody knows of,
 * because nothing of it has arrived yet, may have slept through several.
 */
const previousMax = 8;
/** An edge that has brought nothing for so long before a move is not waited for; should it come back, it goes over by itself. */
const edgeSeenWithinDays = 7;

/**
 * The same layout again changes nothing. Throws AdminError when there is no such account, for a layout that cannot be, and after too many moves
 * that are not over.
 */
export async function moveAccount(
  control: Pick<Control, "db" | "actor">,
  id: string,
  to: { region?: string | undefined; shards?: number | undefined },
): Promise<{ account: Account; move: Move; changed: boolean }> {
  return changing(control, async (client, note) => change(client, note, await lockedAccount(client, id), to));
}

/** Back to the layout before. Throws AdminError when there is no such account, and when its move is over. */
export async function cancelMove(
  control: Pick<Control, "db" | "actor">,
  id: string,
): Promise<{ account: Account; move: Move; changed: boolean }> {
  return changing(control, async (client, note) => {
    const account = await lockedAccount(client, id);
    const { previous, waits_for } = await readMove(client, account);
    const before = previous.at(-1);
    if (before === undefined || waits_for.length === 0)
      throw new AdminError("invalid", `account ${id} is not being moved; to move it back, name where with "mio account move"`);
    return change(client, note, account, { region: before.region, shards: before.shard_count });
  });
}

/** How far an account's latest move is. `client` may be the pool. */
export async function readMove(client: Pick<PoolClient, "query">, { id }: Pick<Account, "id">): Promise<Move> {
  const {
    shard_generation,
    previous_layouts: previous,
    moved_at,
    closings,
    edges,
  } = await selectLayout(client, id, edgeSeenWithinDays);
  return {
    layout_version: shard_generation,
    previous,
    moved_at,
    closed_by: closedBy(previous, closings),
    waits_for: edges.flatMap((edge) => openShards(previous, closings, edge)),
  };
}

async function change(
  client: PoolClient,
  note: Note,
  account: Account,
  to: { region?: string | undefined; shards?: number | undefined },
): Promise<{ account: Account; move: Move; changed: boolean }> {
  const { region = account.home_region, shards = account.shard_count } = to;
  if (!/^[a-z0-9_-]{1,63}$/.test(region))
    throw new AdminError("invalid", `a region is like eu or us-east-1, not ${JSON.stringify(region)}`);
  if (!(Number.isInteger(shards) && shards >= 1 && shards <= shardsMax))
    throw new AdminError("invalid", `an account has from 1 to ${shardsMax} shards`);
  const move = await readMove(client, account);
  if (region === account.home_region && shards === account.shard_count) return { account, move, changed: false };
  const left = { region: account.home_region, shard_count: account.shard_count };
  const others = move.previous.filter((each) => each.region !== left.region || each.shard_count !== left.shard_count);
  const previous = [...others, left].slice(-previousMax);
  if (previous.length <= others.length && move.waits_for.length > 0)
    throw new AdminError(
      "invalid",
      `account ${account.id} was moved ${previousMax} times before the first move was over; "mio account show" says for what it waits`,
    );
  await replaceLayout(client, account.id, { region, shardCount: shards }, previous);
  const { id: subjectId, tenant_id: tenantId } = account;
  const fields = [...(region === left.region ? [] : ["home_region"]), ...(shards === left.shard_count ? [] : ["shard_count"])];
  note({ noun: "account", verb: "move", tenantId, accountId: subjectId, subjectId, fields });
  const moved = await lockedAccount(client, account.id);
  return { account: moved, move: await readMove(client, moved), changed: true };
}
