// Moving an account's conversations to another region or number of shards. The change itself is one row; each edge then closes the older
// layouts by itself, dedup notes when that edge's closing markers are read (layout_closings), and only then does the directory let the
// edge go over. So a move is over edge by edge, and for all when every edge that brings the account's events has gone over.
import type { Pool, PoolClient } from "pg";
import * as v from "valibot";
import { inTransaction } from "../db/in-transaction.ts";
import { directoryNotification } from "../db/listen.ts";
import { type Account, readAccount } from "./accounts.ts";
import { AdminError } from "./admin-error.ts";

export const previousLayout = v.object({ region: v.string(), shard_count: v.number() });
export type PreviousLayout = v.InferOutput<typeof previousLayout>;

export const closing = v.object({ edge: v.string(), region: v.string(), shard: v.number() });
export type ClosedShard = v.InferOutput<typeof closing>;

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

/** Edges that have closed every shard of these layouts, sorted. */
export function closedBy(previous: readonly PreviousLayout[], closings: readonly ClosedShard[]): string[] {
  const edges = new Set(closings.map(({ edge }) => edge));
  return previous.length === 0 ? [] : [...edges].filter((edge) => open(previous, closings, edge).length === 0).sort();
}

/** Shards of these layouts that an edge has not closed. */
function open(previous: readonly PreviousLayout[], closings: readonly ClosedShard[], edge: string): ClosedShard[] {
  const shards = new Map<string, ClosedShard>();
  for (const { region, shard_count } of previous)
    for (let shard = 0; shard < shard_count; shard++) shards.set(`${region}.${shard}`, { edge, region, shard });
  for (const each of closings) if (each.edge === edge) shards.delete(`${each.region}.${each.shard}`);
  return [...shards.values()];
}

/**
 * The same layout again changes nothing. Throws AdminError when there is no such account, for a layout that cannot be, and after too many moves
 * that are not over.
 */
export async function moveAccount(
  db: Pool,
  id: string,
  to: { region?: string | undefined; shards?: number | undefined },
): Promise<{ account: Account; move: Move; changed: boolean }> {
  return inTransaction(db, async (client) => change(client, await readAccount(client, id), to));
}

/** Back to the layout before. Throws AdminError when there is no such account, and when its move is over. */
export async function cancelMove(db: Pool, id: string): Promise<{ account: Account; move: Move; changed: boolean }> {
  return inTransaction(db, async (client) => {
    const account = await readAccount(client, id);
    const { previous, waits_for } = await readMove(client, account);
    const before = previous.at(-1);
    if (before === undefined || waits_for.length === 0)
      throw new AdminError("invalid", `account ${id} is not being moved; to move it back, name where with "mio account move"`);
    return change(client, account, { region: before.region, shards: before.shard_count });
  });
}

/** How far an account's latest move is. `client` may be the pool. */
export async function readMove(client: Pick<PoolClient, "query">, { id }: Pick<Account, "id">): Promise<Move> {
  const { rows } = await client.query(
    `select shard_generation, previous_layouts, moved_at,
            (select coalesce(jsonb_agg(jsonb_build_object('edge', c.edge, 'region', c.region, 'shard', c.shard)), '[]')
               from layout_closings c where c.account_id = a.id and c.generation = a.shard_generation) as closings,
            (select coalesce(jsonb_agg(e.edge order by e.edge), '[]')
               from account_edges e where e.account_id = a.id and e.seen_at > a.moved_at - $2 * interval '1 day') as edges
       from accounts a where id = $1`,
    [id, edgeSeenWithinDays],
  );
  const { shard_generation, previous_layouts: previous, moved_at, closings, edges } = v.parse(moveRow, rows[0]);
  return {
    layout_version: shard_generation,
    previous,
    moved_at,
    closed_by: closedBy(previous, closings),
    waits_for: edges.flatMap((edge) => open(previous, closings, edge)),
  };
}

const moveRow = v.object({
  shard_generation: v.pipe(v.string(), v.transform(Number)),
  previous_layouts: v.array(previousLayout),
  moved_at: v.nullable(v.date()),
  closings: v.array(closing),
  edges: v.array(v.string()),
});

async function change(
  client: PoolClient,
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
  await client.query(
    `update accounts set home_region = $2, shard_count = $3, shard_generation = shard_generation + 1, previous_layouts = $4, moved_at = now(),
       row_version = nextval('directory_row_version') where id = $1`,
    [account.id, region, shards, JSON.stringify(previous)],
  );
  await client.query("delete from layout_closings where account_id = $1", [account.id]);
  await client.query(`notify ${directoryNotification}`);
  const moved = await readAccount(client, account.id);
  return { account: moved, move: await readMove(client, moved), changed: true };
}
