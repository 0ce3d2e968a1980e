// Where an account's conversations go. One that has moved goes to its new uplink only after core has said that it has finished all
// that this very edge took under older layouts; until then it is nowhere, and the platform comes again.
//
// Why each edge goes over by itself, and not all at once: an edge that was cut off meanwhile may still hold events of an older layout on its
// disk. Nobody else can speak for it, and nobody has to wait for it.
import type { DirectoryAccount } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { type Spread, shardIn, shardsOf } from "@mio/shared/layout.ts";
import type { Closing, Shard } from "./uplink.ts";

/** Where an account's conversations are spread, and where they may have been before. */
export interface ShardLayout extends Spread {
  layoutVersion: number;
  previous: readonly Spread[];
  /** Edges whose older layouts are closed and finished. */
  closedBy: readonly string[];
}

/** As the directory has it. */
export function layoutOf(account: DirectoryAccount): ShardLayout {
  return {
    region: account.homeRegion,
    layoutVersion: Number(account.generation),
    shardCount: account.shardCount,
    previous: account.previous.map(({ homeRegion, shardCount }) => ({ region: homeRegion, shardCount })),
    closedBy: account.closedBy,
  };
}

/** Where goes what has no account: the first uplink of the region that met it. */
export function nobodysLayout(region: string): ShardLayout {
  return { region, layoutVersion: 1, shardCount: 1, previous: [], closedBy: [] };
}

/** True while this edge may hold events of an older layout that core has not finished. */
export function isMoving({ previous, closedBy }: ShardLayout, edge: string): boolean {
  return previous.length > 0 && !closedBy.includes(edge);
}

/** The uplink of a conversation, or of whatever the key names; undefined while it is being moved. */
export function shardOf(layout: ShardLayout, edge: string, key: string): Shard | undefined {
  const { region } = layout;
  const shard = shardIn(layout, key);
  const stays = (before: Spread) => before.region === region && shardIn(before, key) === shard;
  return !isMoving(layout, edge) || layout.previous.every(stays) ? { region, shard } : undefined;
}

/**
 * Has every uplink of the older layouts close them. Harmless again and again; whoever sees the move does it until the directory says that it
 * is done. Rejects when an uplink cannot be reached.
 */
export async function closeOlder(
  close: (shard: Shard, closing: Closing) => Promise<unknown>,
  accountId: string,
  { previous, layoutVersion }: ShardLayout,
  edge: string,
): Promise<void> {
  await Promise.all(shardsOf(previous).map((shard) => close(shard, { accountId, layoutVersion, edge })));
}

/** The name of an uplink's object: one in the whole world for a conversation. */
export function uplinkName({ region, shard }: Shard): string {
  return `${region}:${shard}`;
}

/** The shard of such a name; undefined for any other text. */
export function shardOfUplink(name: string): Shard | undefined {
  const match = /^([A-Za-z0-9_-]+):(\d{1,5})$/.exec(name);
  return match ? { region: match[1] ?? "", shard: Number(match[2]) } : undefined;
}
