// One request's events on their way to their uplinks, one or several. The result is "stored" only when every uplink has stored its part (G1).
import type { Clock } from "@mio/shared/clock.ts";
import { within } from "@mio/shared/within.ts";
import type { Directory } from "../directory/directory.ts";
import { closeOlder, type ShardLayout, shardOf, uplinkName } from "../uplink/layout.ts";
import type { Closing, Placement, Shard, Stored } from "../uplink/uplink.ts";

export interface StorePorts {
  directory: Pick<Directory, "doubt">;
  /** Hands events to a shard's uplink. Rejects when it cannot be reached. */
  store(placement: Placement, events: Uint8Array<ArrayBuffer>[]): Promise<Stored>;
  /** Has a shard's uplink close an account's older layouts. Rejects when it cannot be reached. */
  close(shard: Shard, closing: Closing): Promise<Stored>;
  clock: Clock;
  /** Where this edge runs, which is also its name; and the home of what has no account. */
  region: string;
}

/** What one event needs to reach its uplink. */
export interface Placed {
  /** Empty for what is nobody's. */
  accountId: string;
  layout: ShardLayout;
  /** What chooses the shard: the conversation, or the entry's id in quarantine. */
  key: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** No uplink takes longer than this with a working deadline of its own; a platform gives up after about 3,000 ms. */
export const storeDeadlineMs = 2_400;
/** The answer is 503 anyway; what is not closed by then goes on closing, or is closed by the next request. */
const closeDeadlineMs = 300;

/** `moving`: a conversation is between two uplinks; the platform shall retry in a moment. */
export type StoredAll = Stored | { kind: "unavailable"; reason: string } | { kind: "moving" };

/** Never rejects. All or nothing in the answer; what one shard stored before another failed is deduplicated when the platform repeats it. */
export async function storeAll(ports: StorePorts, placed: readonly Placed[]): Promise<StoredAll> {
  const shards = new Map<string, { placement: Placement; events: Uint8Array<ArrayBuffer>[] }>();
  for (const { accountId, layout, key, bytes } of placed) {
    const shard = shardOf(layout, ports.region, key);
    if (shard === undefined) {
      await done(ports, () => closeOlder(ports.close, accountId, layout, ports.region), closeDeadlineMs);
      return { kind: "moving" };
    }
    const name = uplinkName(shard);
    const group = shards.get(name) ?? { placement: { ...shard, accountId, layoutVersion: layout.layoutVersion }, events: [] };
    group.events.push(bytes);
    shards.set(name, group);
  }
  const results = await Promise.all(
    Array.from(shards.values(), ({ placement, events }) => done(ports, () => ports.store(placement, events))),
  );
  if (results.some((each) => each.kind === "unavailable" && each.reason === "moved")) {
    // The uplink knows better than what we remembered of the directory.
    for (const { accountId } of placed) ports.directory.doubt(accountId);
    return { kind: "moving" };
  }
  return (
    results.find(({ kind }) => kind === "too_large") ??
    results.find(({ kind }) => kind === "unavailable") ?? {
      kind: "stored",
      spooled: results.some((each) => each.kind === "stored" && each.spooled),
    }
  );
}

/** Never rejects. */
async function done<Done>(
  { clock }: StorePorts,
  work: () => Promise<Done>,
  deadlineMs = storeDeadlineMs,
): Promise<Done | { kind: "unavailable"; reason: string }> {
  try {
    return await within(clock, deadlineMs, work(), { kind: "unavailable", reason: "uplink_late" } as const);
  } catch {
    // The object failed or was replaced: it may or may not have stored them.
    return { kind: "unavailable", reason: "uplink_failed" };
  }
}
