// Who reads which partition, and how far: one entry a partition in a key-value bucket, changed only by compare-and-set on its
// revision. Its owner renews it; a replica that sees a revision stand still for long enough, on its own monotonic clock, takes it over
// with the next epoch. Two may believe to own for a moment (one was paused): writes are refused by the revision here and by the fence there.
import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import type { Position } from "./position.ts";
import type { PositionStore } from "./position-store.ts";

export interface OwnershipTimes {
  /** How often an owner renews, and how often everybody looks. */
  heartbeatMs: number;
  /** How long a revision must stand still before another may claim. */
  claimAfterMs: number;
  /** Positions are written at most this often. */
  commitMs: number;
}

export const ownershipTimes: OwnershipTimes = { heartbeatMs: 3_000, claimAfterMs: 10_000, commitMs: 200 };

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

interface Entry extends Position {
  owner: string;
  epoch: number;
  /** The stream that the position counts in. Absent: written before this was known, or by who may not ask; taken for the present one. */
  streamEpochMs?: number | undefined;
}

/** As it stands in the bucket, where the stream's epoch is called `generation`. */
const entrySchema = v.pipe(
  v.object({
    owner: v.string(),
    epoch: v.number(),
    position: v.number(),
    finished: v.array(v.number()),
    generation: v.optional(v.number()),
  }),
  v.transform(({ generation, ...entry }): Entry => ({ ...entry, streamEpochMs: generation })),
);

/** No instance is called so: an entry that cannot be read belongs to nobody and is never claimed. */
const unreadableOwner = "?";

interface Held extends HeldPartition {
  revision: number;
  confirmedAtMs: number;
  dirty: boolean;
  state: "held" | "releasing" | "ended";
  wake: (() => void) | undefined;
  keeping: Promise<void>;
}

/** Runs until the signal is aborted, then gives everything back. */
export async function ownPartitions(options: OwnershipOptions, signal: AbortSignal): Promise<void> {
  const { store, group, instance, holder, clock, times = ownershipTimes, onTrouble = () => {} } = options;
  const held = new Map<string, Held>();
  const seen = new Map<string, { revision: number; sinceMs: number }>();
  const beats = new Map<string, { beat: number; sinceMs: number }>();
  const replicasKey = `${group}.replicas`;
  let beat = 0;

  while (!signal.aborted) {
    await round().catch((error: unknown) => {
      // What could not be read has not been seen to stand still.
      seen.clear();
      beats.clear();
      onTrouble(error);
    });
    await clock.sleep(times.heartbeatMs, signal).catch(() => {});
  }
  await Promise.all([...held.values()].map(giveBack));
  await leave().catch(onTrouble);

  async function round(): Promise<void> {
    // What is held counts although it is no longer named, or its share would be taken from a partition that is.
    const partitions = [...new Set([...(await options.partitions()), ...held.keys()])].sort();
    const replicas = await announce();
    const entries = await Promise.all(partitions.map((partition) => readEntry(partition)));
    const share = Math.ceil(partitions.length / replicas);
    const claimable: { partition: string; revision: number; entry: Entry | undefined }[] = [];
    entries.forEach((found, index) => {
      const partition = partitions[index] ?? "";
      if (!held.has(partition) && mayClaim(partition, found))
        claimable.push({ partition, revision: found?.revision ?? 0, entry: found?.entry });
    });
    const mine = [...held.values()].filter((each) => each.state === "held");
    for (const surplus of mine.slice(share)) void giveBack(surplus);
    const chosen = claimable.slice(0, Math.max(0, share - held.size));
    if (chosen.length === 0) return;
    let streamEpochMs: number | undefined;
    try {
      streamEpochMs = await options.streamEpochMs?.();
    } catch (error) {
      // A stream that is away says nothing about owners: how long their revisions have stood still goes on counting.
      onTrouble(error);
      return;
    }
    await Promise.all(chosen.map((each) => claim(each.partition, each.revision, each.entry, streamEpochMs)));
  }

  /** True when nobody holds it, or its holder has been silent for as long as it takes. */
  function mayClaim(partition: string, found: { revision: number; entry: Entry } | undefined): boolean {
    if (!found || found.entry.owner === "" || found.entry.owner === instance) return true;
    if (found.entry.owner === unreadableOwner) return false;
    const before = seen.get(partition);
    if (before?.revision !== found.revision) {
      seen.set(partition, { revision: found.revision, sinceMs: clock.monotonicMs() });
      return false;
    }
    return clock.monotonicMs() - before.sinceMs >= times.claimAfterMs;
  }

  async function claim(
    partition: string,
    revision: number,
    entry: Entry | undefined,
    streamEpochMs: number | undefined,
  ): Promise<void> {
    const confirmedAtMs = clock.monotonicMs();
    const stood = entry && entry.epoch > 0 ? { position: entry.position, finished: entry.finished } : undefined;
    const otherStream =
      entry?.streamEpochMs !== undefined && streamEpochMs !== undefined && entry.streamEpochMs !== streamEpochMs;
    const start = otherStream ? undefined : stood;
    const epoch = (entry?.epoch ?? 0) + 1;
    const written = await store.write(
      keyOf(partition),
      encodeEntry({ owner: instance, epoch, streamEpochMs, ...(start ?? { position: 0, finished: [] }) }),
      revision,
    );
    seen.delete(partition);
    if (written === undefined) return;
    const mine: Held = {
      partition,
      epoch,
      start,
      streamEpochMs,
      abandoned: otherStream ? stood : undefined,
      giveBack: () => void giveBack(mine),
      owned: () => mine.state !== "ended" && clock.monotonicMs() - mine.confirmedAtMs < times.claimAfterMs,
      touch: () => {
        if (mine.dirty) return;
        mine.dirty = true;
        mine.wake?.();
      },
      revision: written,
      confirmedAtMs,
      dirty: false,
      state: "held",
      wake: undefined,
      keeping: Promise.resolve(),
    };
    held.set(partition, mine);
    holder.gained(mine);
    mine.keeping = keep(mine);
  }

  /** Renews and commits until the partition is gone. */
  async function keep(mine: Held): Promise<void> {
    while (mine.state !== "ended") {
      const sinceMs = clock.monotonicMs() - mine.confirmedAtMs;
      const waitMs = (mine.dirty ? times.commitMs : times.heartbeatMs) - sinceMs;
      if (waitMs > 0) {
        await rest(mine, waitMs);
        continue;
      }
      await renew(mine).catch(async (error: unknown) => {
        onTrouble(error);
        await rest(mine, times.commitMs);
      });
    }
  }

  /** Until the time has passed, a clean partition gets something to commit, or it ends. */
  async function rest(mine: Held, ms: number): Promise<void> {
    const cut = new AbortController();
    mine.wake = () => cut.abort();
    await clock.sleep(ms, cut.signal).catch(() => {});
    mine.wake = undefined;
  }

  /** Rejects when the store cannot be reached: whether it was written is then found out by the next try. */
  async function renew(mine: Held, owner = instance): Promise<void> {
    const startedAtMs = clock.monotonicMs();
    const now = holder.position(mine.partition);
    mine.dirty = false;
    try {
      const { partition, epoch, streamEpochMs } = mine;
      const written = await store.write(keyOf(partition), encodeEntry({ owner, epoch, streamEpochMs, ...now }), mine.revision);
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
    const found = await readEntry(mine.partition);
    if (found?.entry.owner === instance && found.entry.epoch === mine.epoch) {
      mine.revision = found.revision;
      return;
    }
    end(mine);
    holder.lost(mine.partition);
  }

  async function giveBack(mine: Held): Promise<void> {
    if (mine.state !== "held") return mine.keeping;
    mine.state = "releasing";
    await holder.release(mine.partition).catch(onTrouble);
    const still = (): boolean => mine.state === "releasing";
    if (!still()) return;
    end(mine);
    await mine.keeping;
    // A write without a good answer is left to the others' clocks.
    await renew(mine, "").catch(onTrouble);
  }

  function end(mine: Held): void {
    mine.state = "ended";
    mine.wake?.();
    if (held.get(mine.partition) === mine) held.delete(mine.partition);
  }

  /** Writes this replica's heartbeat and counts the live replicas. One key holds everybody's beats; a beat that stands still is removed. */
  async function announce(): Promise<number> {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const { revision, replicas } = await readReplicas();
      const nowMs = clock.monotonicMs();
      beat += 1;
      const alive = Object.entries(replicas).filter(([name, theirs]) => {
        if (name === instance) return false;
        const before = beats.get(name);
        if (before?.beat !== theirs) beats.set(name, { beat: theirs, sinceMs: nowMs });
        return before?.beat !== theirs || nowMs - before.sinceMs < times.claimAfterMs;
      });
      const next = Object.fromEntries([...alive, [instance, beat]]);
      if ((await store.write(replicasKey, encode(next), revision)) !== undefined) return alive.length + 1;
    }
    throw new Error(`${replicasKey} keeps changing under our hand; trying again`);
  }

  async function leave(): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { revision, replicas } = await readReplicas();
      delete replicas[instance];
      if ((await store.write(replicasKey, encode(replicas), revision)) !== undefined) return;
    }
  }

  async function readReplicas(): Promise<{ revision: number; replicas: Record<string, number> }> {
    const found = await store.read(replicasKey);
    const parsed = v.safeParse(v.record(v.string(), v.number()), decode(found?.value));
    return { revision: found?.revision ?? 0, replicas: parsed.success ? { ...parsed.output } : {} };
  }

  async function readEntry(partition: string): Promise<{ revision: number; entry: Entry } | undefined> {
    const found = await store.read(keyOf(partition));
    if (!found || found.value.length === 0)
      return found && { revision: found.revision, entry: { owner: "", epoch: 0, position: 0, finished: [] } };
    const parsed = v.safeParse(entrySchema, decode(found.value));
    if (parsed.success) return { revision: found.revision, entry: parsed.output };
    onTrouble(
      new Error(
        `${keyOf(partition)} is not readable as owner and position; nobody reads this partition until it is mended or deleted`,
      ),
    );
    return { revision: found.revision, entry: { owner: unreadableOwner, epoch: 0, position: 0, finished: [] } };
  }

  function keyOf(partition: string): string {
    return `${group}.${partition}`;
  }
}

function encodeEntry({ owner, epoch, streamEpochMs, position, finished }: Entry): Uint8Array {
  return encode({ owner, epoch, generation: streamEpochMs, position, finished });
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function decode(bytes: Uint8Array | undefined): unknown {
  if (!bytes || bytes.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
