// Where accounts' conversations are spread: the present layout, those before it, and which edges have closed these. Dedup notes what edges
// say, moves read it, and the directory carries it back to the edges.
import { type Spread, shardsOf } from "@mio/shared/layout.ts";
import type { Pool, PoolClient } from "pg";
import * as v from "valibot";
import { inTransaction } from "../db/in-transaction.ts";
import { announceChange } from "./change.ts";

export const previousLayout = v.object({ region: v.string(), shard_count: v.number() });
export type PreviousLayout = v.InferOutput<typeof previousLayout>;

export const closing = v.object({ edge: v.string(), region: v.string(), shard: v.number() });
export type ClosedShard = v.InferOutput<typeof closing>;

/** For a statement over `accounts a`: what is closed of its present layout's older ones. */
export const closingsOfPresentLayout = `(select coalesce(jsonb_agg(jsonb_build_object('edge', c.edge, 'region', c.region, 'shard', c.shard)), '[]')
  from layout_closings c where c.account_id = a.id and c.generation = a.shard_generation)`;

/** Edges that have closed every shard of these layouts, sorted. */
export function closedBy(previous: readonly PreviousLayout[], closings: readonly ClosedShard[]): string[] {
  const edges = new Set(closings.map(({ edge }) => edge));
  return previous.length === 0 ? [] : [...edges].filter((edge) => openShards(previous, closings, edge).length === 0).sort();
}

/** Shards of these layouts that an edge has not closed. */
export function openShards(previous: readonly PreviousLayout[], closings: readonly ClosedShard[], edge: string): ClosedShard[] {
  const closed = new Set(closings.filter((each) => each.edge === edge).map(({ region, shard }) => `${region}.${shard}`));
  return shardsOf(previous.map(({ region, shard_count: shardCount }) => ({ region, shardCount })))
    .filter(({ region, shard }) => !closed.has(`${region}.${shard}`))
    .map((shard) => ({ edge, ...shard }));
}

const layoutRow = v.object({
  shard_generation: v.pipe(v.string(), v.transform(Number)),
  previous_layouts: v.array(previousLayout),
  moved_at: v.nullable(v.date()),
  closings: v.array(closing),
  edges: v.array(v.string()),
});

/** `edges` are those that brought something within so many days before the latest move, or later. */
export async function selectLayout(
  db: Pick<PoolClient, "query">,
  accountId: string,
  edgeSeenWithinDays: number,
): Promise<v.InferOutput<typeof layoutRow>> {
  const { rows } = await db.query(
    `select shard_generation, previous_layouts, moved_at, ${closingsOfPresentLayout} as closings,
            (select coalesce(jsonb_agg(e.edge order by e.edge), '[]')
               from account_edges e where e.account_id = a.id and e.seen_at > a.moved_at - $2 * interval '1 day') as edges
       from accounts a where id = $1`,
    [accountId, edgeSeenWithinDays],
  );
  return v.parse(layoutRow, rows[0]);
}

/** A new layout, of which nothing is closed yet. */
export async function replaceLayout(
  client: PoolClient,
  accountId: string,
  { region, shardCount }: Spread,
  previous: readonly PreviousLayout[],
): Promise<void> {
  await client.query(
    `update accounts set home_region = $2, shard_count = $3, shard_generation = shard_generation + 1, previous_layouts = $4, moved_at = now()
      where id = $1`,
    [accountId, region, shardCount, JSON.stringify(previous)],
  );
  await client.query("delete from layout_closings where account_id = $1", [accountId]);
  await announceChange(client, accountId);
}

/** False when it is another one by now; else nobody changes it before the transaction ends. */
export async function holdLayout(client: PoolClient, accountId: string, { region, shardCount }: Spread): Promise<boolean> {
  const { rows } = await client.query(
    "select 1 from accounts where id = $1 and home_region = $2 and shard_count = $3 for share",
    [accountId, region, shardCount],
  );
  return rows.length > 0;
}

interface NotedClosing {
  accountId: string;
  /** Decimal, as the column `generation` takes it. */
  layoutVersion: string;
  region: string;
  shard: number;
  edge: string;
}

/**
 * Idempotent. One that is not of the account's present layout is late and means nothing. The row version rises with it, so that no late
 * publisher takes it back.
 */
export async function insertClosing(db: Pool, noted: NotedClosing): Promise<void> {
  const { accountId, layoutVersion, region, shard, edge } = noted;
  await inTransaction(db, async (client) => {
    const { rowCount } = await client.query(
      `insert into layout_closings (account_id, generation, region, shard, edge)
       select id, shard_generation, $3, $4, $5 from accounts where id = $1 and shard_generation = $2 on conflict do nothing`,
      [accountId, layoutVersion, region, shard, edge],
    );
    if (rowCount === 1) await announceChange(client, accountId);
  });
}

/** That these edges bring something of these accounts, now. Two callers at once should name them in the same order. */
export async function insertEdges(db: Pool, seen: readonly { accountId: string; edge: string }[]): Promise<void> {
  await db.query(
    `insert into account_edges (account_id, edge) select * from unnest($1::uuid[], $2::text[])
     on conflict (account_id, edge) do update set seen_at = now()`,
    [seen.map(({ accountId }) => accountId), seen.map(({ edge }) => edge)],
  );
}

const regionRows = v.array(v.object({ region: v.string(), shards: v.number() }));

/** The most shards that an account's layout has in each region. */
export async function shardsByRegion(db: Pool): Promise<v.InferOutput<typeof regionRows>> {
  const { rows } = await db.query("select home_region as region, max(shard_count) as shards from accounts group by home_region");
  return v.parse(regionRows, rows);
}
