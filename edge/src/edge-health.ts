// How the edge is, for `/health`: its copy of the directory, and each shard's spool, the spool's age and the connection.
import type { UplinkStatus } from "./uplink/uplink.ts";

export interface DirectoryStatus {
  connected: boolean;
  /** True while a missing route is certainly unknown. */
  whole: boolean;
  /** Of those that our keys open. */
  entries: number;
  /** By name of the key; under the empty name what did not open when it came. A key without entries is not needed any more. */
  sealedWith: Record<string, number>;
  /** Since the bucket was last read, in milliseconds; undefined when it never was since this object's start. */
  readAgeMs: number | undefined;
  /** Older than what was known. */
  refused: number;
  unreadable: number;
  /** Values that our keys did not open: moved, changed, forged, or sealed with a key that is not ours. */
  openFailures: number;
}

export interface ShardStatus {
  name: string;
  /** Undefined when the uplink could not be asked. */
  status: UplinkStatus | undefined;
}

export interface EdgeHealth {
  /** Undefined when the directory object could not be asked. */
  directory: DirectoryStatus | undefined;
  shards: ShardStatus[];
}

/** Known routes are served also while the bus is away; an edge that knows none has nothing to do but refuse. */
export function ready({ directory }: EdgeHealth): boolean {
  return directory !== undefined && (directory.whole || directory.entries > 0);
}
