// A partition that this replica holds: renewed and committed until it is given back, or until the bucket says that it is somebody else's.
// Two may believe to own for a moment (one was paused): writes are refused by the revision here and by the fence there.
import type { Clock } from "../../../clock.ts";
import type { Position } from "../position.ts";
import type { Entries } from "./entries.ts";
import type { OwnershipTimes } from "./times.ts";

export interface HeldPartition {
  readonly partition: string;
  readonly epoch: number;
  /** As it stood when the partition was claimed; undefined when nobody ever held it in this stream. */
  readonly start: Position | undefined;
  /** The stream that the position counts in; undefined where it cannot be asked for. */
  readonly streamEpochMs: number | undefined;
  /** Where it stood in a stream that is no more: deleted, and recreated since. */
  readonly abandoned: Position | undefined;
  /** False once another may have claimed it; true again when the claim turns out to be still ours. */
  owned(): boolean;
  /** The position has changed: write it soon. */
  touch(): void;
  /** Releases it and gives it back, to be claimed anew by this replica or another. */
  giveBack(): void;
}

/** What the owner of the work does when partitions come and go. */
export interface PartitionHolder {
  gained(held: HeldPartition): void;
  position(partition: string): Position;
  /** Take no new work, finish what is in hand; then the partition is given back with its last position. */
  release(partition: string): Promise<void>;
  /** Somebody else has it: drop everything. */
  lost(partition: string): void;
  /** The position has been written to the bucket. */
  committed?(partition: string, position: number): Promise<void>;
}

/** What all partitions of a replica share. */
export interface Keeper {
  entries: Entries;
  instance: string;
  holder: PartitionHolder;
  clock: Clock;
  times: OwnershipTimes;
  onTrouble: (error: unknown) => void;
  /** Those that have not ended, in the order in which they came. */
  held: Map<string, Held>;
}

export interface Held extends HeldPartition {
  revision: number;
  confirmedAtMs: number;
  dirty: boolean;
  state: "held" | "releasing" | "ended";
  wake: (() => void) | undefined;
  keeping: Promise<void>;
}

type Claimed = Pick<Held, "partition" | "epoch" | "start" | "streamEpochMs" | "abandoned" | "revision" | "confirmedAtMs">;

/** Holds what has just been claimed, from now until it ends. */
export function hold(keeper: Keeper, claimed: Claimed): void {
  const { clock, times, held, holder } = keeper;
  const mine: Held = {
    ...claimed,
    giveBack: () => void giveBack(keeper, mine),
    owned: () => mine.state !== "ended" && clock.monotonicMs() - mine.confirmedAtMs < times.claimAfterMs,
    touch: () => {
      if (mine.dirty) return;
      mine.dirty = true;
      mine.wake?.();
    },
    dirty: false,
    state: "held",
    wake: undefined,
    keeping: Promise.resolve(),
  };
  held.set(mine.partition, mine);
  holder.gained(mine);
  mine.keeping = keep(keeper, mine);
}

/** Lets its work end, then leaves it to the others, with its last position. */
export async function giveBack(keeper: Keeper, mine: Held): Promise<void> {
  const { holder, onTrouble } = keeper;
  if (mine.state !== "held") return mine.keeping;
  mine.state = "releasing";
  await holder.release(mine.partition).catch(onTrouble);
  const still = (): boolean => mine.state === "releasing";
  if (!still()) return;
  end(keeper, mine);
  await mine.keeping;
  // A write without a good answer is left to the others' clocks.
  await renew(keeper, mine, "").catch(onTrouble);
}

/** Renews and commits until the partition is gone. */
async function keep(keeper: Keeper, mine: Held): Promise<void> {
  const { clock, times, onTrouble, instance } = keeper;
  while (mine.state !== "ended") {
    const sinceMs = clock.monotonicMs() - mine.confirmedAtMs;
    const waitMs = (mine.dirty ? times.commitMs : times.heartbeatMs) - sinceMs;
    if (waitMs > 0) {
      await rest(clock, mine, waitMs);
      continue;
    }
    await renew(keeper, mine, instance).catch(async (error: unknown) => {
      onTrouble(error);
      await rest(clock, mine, times.commitMs);
    });
  }
}

/** Until the time has passed, a clean partition gets something to commit, or it ends. */
async function rest(clock: Clock, mine: Held, ms: number): Promise<void> {
  const cut = new AbortController();
  mine.wake = () => cut.abort();
  await clock.sleep(ms, cut.signal).catch(() => {});
  mine.wake = undefined;
}

/** Rejects when the store cannot be reached: whether it was written is then found out by the next try. */
async function renew(keeper: Keeper, mine: Held, owner: string): Promise<void> {
  const { entries, holder, clock, instance } = keeper;
  const startedAtMs = clock.monotonicMs();
  const now = holder.position(mine.partition);
  mine.dirty = false;
  try {
    const { partition, epoch, streamEpochMs } = mine;
    const written = await entries.write(partition, { owner, epoch, streamEpochMs, ...now }, mine.revision);
    if (written !== undefined) {
      mine.revision = written;
      mine.confirmedAtMs = startedAtMs;
      await holder.committed?.(mine.partition, now.position);
      return;
    }
  } catch (error) {
    mine.dirty = true;
    throw error;
  }
  mine.dirty = true;
  // Refused: either another has claimed it, or an earlier write of ours did arrive although its answer did not.
  const found = await entries.read(mine.partition);
  if (found?.entry.owner === instance && found.entry.epoch === mine.epoch) {
    mine.revision = found.revision;
    return;
  }
  end(keeper, mine);
  holder.lost(mine.partition);
}

function end({ held }: Keeper, mine: Held): void {
  mine.state = "ended";
  mine.wake?.();
  if (held.get(mine.partition) === mine) held.delete(mine.partition);
}
