// Who reads which partition, and how far: one entry a partition in a key-value bucket, changed only by compare-and-set on its
// revision. Its owner renews it (ownership/keep.ts); a replica that sees a revision stand still for long enough, on its own monotonic clock,
// takes it over with the next epoch (ownership/claims.ts).
import type { Clock } from "../../clock.ts";
import { type Candidate, claimOver, decideRound, type Sighting } from "./ownership/claims.ts";
import { entriesOf } from "./ownership/entries.ts";
import { giveBack, hold, type Keeper, type PartitionHolder } from "./ownership/keep.ts";
import type { PositionStore } from "./ownership/position-store.ts";
import { createReplicas, type Replicas } from "./ownership/replicas.ts";
import { type OwnershipTimes, ownershipTimes } from "./ownership/times.ts";

export interface OwnershipOptions {
  store: PositionStore;
  group: string;
  /** Unique per start of a process: a restarted one is somebody else. */
  instance: string;
  partitions: () => Promise<readonly string[]> | readonly string[];
  /**
   * The stream that stands there now (`StreamState.streamEpochMs`). A position that counts in another one is given up, and its partition
   * starts at 0. Undefined where it may not be asked for: then every position is taken as it is.
   */
  streamEpochMs?: () => Promise<number | undefined>;
  holder: PartitionHolder;
  clock: Clock;
  times?: OwnershipTimes;
  onTrouble?: (error: unknown) => void;
}

interface Owning {
  options: OwnershipOptions;
  keeper: Keeper;
  replicas: Replicas;
  /** Revisions of other owners. */
  seen: Map<string, Sighting>;
}

/** Runs until the signal is aborted, then gives everything back. */
export async function ownPartitions(options: OwnershipOptions, signal: AbortSignal): Promise<void> {
  const { store, group, instance, holder, clock, times = ownershipTimes, onTrouble = () => {} } = options;
  const entries = entriesOf(store, group, onTrouble);
  const keeper: Keeper = { entries, instance, holder, clock, times, onTrouble, held: new Map() };
  const replicas = createReplicas({ store, group, instance, clock, claimAfterMs: times.claimAfterMs });
  const owning: Owning = { options, keeper, replicas, seen: new Map() };

  while (!signal.aborted) {
    await round(owning).catch((error: unknown) => {
      // What could not be read has not been seen to stand still.
      owning.seen.clear();
      replicas.forgetSightings();
      onTrouble(error);
    });
    await clock.sleep(times.heartbeatMs, signal).catch(() => {});
  }
  await Promise.all([...keeper.held.values()].map((mine) => giveBack(keeper, mine)));
  await replicas.leave().catch(onTrouble);
}

async function round(owning: Owning): Promise<void> {
  const { options, keeper } = owning;
  const { entries, held, clock, times, onTrouble, instance } = keeper;
  // What is held counts although it is no longer named, or its share would be taken from a partition that is.
  const partitions = [...new Set([...(await options.partitions()), ...held.keys()])].sort();
  const replicas = await owning.replicas.announce();
  const candidates = await Promise.all(
    partitions.map(async (partition): Promise<Candidate> => ({ partition, found: await entries.read(partition) })),
  );
  const nowMs = clock.monotonicMs();
  const { claimAfterMs } = times;
  const decided = decideRound({ instance, candidates, replicas, held, seen: owning.seen, nowMs, claimAfterMs });
  owning.seen = new Map(decided.seen);
  for (const partition of decided.surplus) {
    const mine = held.get(partition);
    if (mine) void giveBack(keeper, mine);
  }
  if (decided.claims.length === 0) return;
  let streamEpochMs: number | undefined;
  try {
    streamEpochMs = await options.streamEpochMs?.();
  } catch (error) {
    // A stream that is away says nothing about owners: how long their revisions have stood still goes on counting.
    onTrouble(error);
    return;
  }
  await Promise.all(decided.claims.map((each) => claim(owning, each, streamEpochMs)));
}

async function claim(
  { keeper, seen }: Owning,
  { partition, found }: Candidate,
  streamEpochMs: number | undefined,
): Promise<void> {
  const confirmedAtMs = keeper.clock.monotonicMs();
  const { entry, start, abandoned } = claimOver(found?.entry, keeper.instance, streamEpochMs);
  const revision = await keeper.entries.write(partition, entry, found?.revision ?? 0);
  seen.delete(partition);
  if (revision === undefined) return;
  hold(keeper, { partition, epoch: entry.epoch, start, streamEpochMs, abandoned, revision, confirmedAtMs });
}
