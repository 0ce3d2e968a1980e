// Where an account's conversations are spread, as edge and core both compute it: each goes to the shard that its id falls on.
import { partitionOf } from "./ids.ts";

export interface Spread {
  region: string;
  shardCount: number;
}

/** The shard of a conversation, or of whatever the key names. */
export function shardIn({ shardCount }: Spread, key: string): number {
  return partitionOf(key, shardCount);
}

/** Every shard of these, each once. */
export function shardsOf(spreads: readonly Spread[]): { region: string; shard: number }[] {
  const counts = new Map<string, number>();
  for (const { region, shardCount } of spreads) counts.set(region, Math.max(shardCount, counts.get(region) ?? 0));
  return [...counts].flatMap(([region, count]) => Array.from({ length: count }, (_, shard) => ({ region, shard })));
}
