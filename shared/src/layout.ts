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
