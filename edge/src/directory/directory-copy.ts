// The region's copy of the directory bucket. It keeps what it knows until a newer version replaces it: a wiped bucket, a deleted key or
// a bus that is away takes nothing from it, and neither does a value that no key of ours opens. It is whole only while the bucket, as it
// stands now, holds the publisher's marker. What it keeps is sealed as it came.

import type { BucketReader } from "@mio/shared/bus/read/bucket-reader.ts";
import { openDirectorySnapshot, openDirectoryValue, snapshotKey } from "@mio/shared/bus/wire/directory.ts";
import type { Opener } from "@mio/shared/bus/wire/sealed-value.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { DirectoryStatus } from "../edge-health.ts";
import { closeOlder, isMoving, layoutOf, type ShardLayout } from "../uplink/layout.ts";
import type { Closing, Shard } from "../uplink/uplink.ts";
import type { Lookup } from "./directory.ts";

/** How often the bucket is looked at, at most. */
const readEveryMs = 1_000;
/** The same while an account is being moved. */
const movingReadEveryMs = 250;
/** How long after a look "missing" still means "unknown". */
const wholeForMs = 3_000;
/** How long a request waits for a look; without one it gets what is known. */
const readDeadlineMs = 500;

export interface BucketPosition {
  /** When the bucket was created: another one means that it was recreated. */
  created: string;
  sequence: number;
  /** The keys that it was read with, sorted: with others, what was passed over before may open now. */
  keys: string;
}

export interface DirectoryEntry {
  key: string;
  /** -1 for a value that does not open under a key of which nothing was known: the route counts as not loaded, not as unknown. */
  rowVersion: number;
  /** Sealed. */
  value: Uint8Array<ArrayBuffer>;
  /** The name of the key; empty for what does not open. */
  sealedWith: string;
}

/** Storage that outlives the process. */
export interface DirectoryStore {
  get(key: string): DirectoryEntry | undefined;
  /** Writes all or nothing. */
  put(entries: readonly DirectoryEntry[], layouts: readonly Layout[], position: BucketPosition): void;
  position(): BucketPosition | undefined;
  /** How many entries there are by what they are sealed with. */
  entries(): Record<string, number>;
  layouts(): Layout[];
}

/** A shard layout that some account has or had. */
export interface Layout {
  region: string;
  layoutVersion: number;
  shardCount: number;
}

/** Who carries out moves. */
export interface Mover {
  /** The edge's own region. */
  edge: string;
  close(shard: Shard, closing: Closing): Promise<unknown>;
}

export class DirectoryCopy {
  readonly #store: DirectoryStore;
  readonly #bucket: BucketReader;
  readonly #opener: Opener;
  readonly #clock: Clock;
  readonly #mover: Mover;
  /** Accounts that this edge has to close older layouts of. Not kept over a restart: then the first request of such an account has them closed. */
  readonly #moving = new Map<string, ShardLayout>();
  #reading: Promise<void> | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #readAtMs: number | undefined;
  #markerSeen = false;
  #refused = 0;
  #unreadable = 0;
  #openFailures = 0;

  constructor(store: DirectoryStore, bucket: BucketReader, opener: Opener, clock: Clock, mover: Mover) {
    this.#store = store;
    this.#bucket = bucket;
    this.#opener = opener;
    this.#clock = clock;
    this.#mover = mover;
  }

  /** Looks at the bucket first when the last look is old; while the bus is away it answers at once from what it knows. */
  async lookup(keys: readonly string[]): Promise<Lookup> {
    await this.refresh();
    return { values: keys.map((key) => this.#store.get(key)?.value), whole: this.#whole() };
  }

  /** Resolves after a look at the bucket, or when that takes too long or makes no sense now. Never rejects. */
  async refresh(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#reading) {
      const everyMs = this.#moving.size > 0 ? movingReadEveryMs : readEveryMs;
      if (!this.#bucket.connected || nowMs - this.#triedAtMs < everyMs) return;
      this.#triedAtMs = nowMs;
      this.#reading = this.#read()
        .catch(() => {})
        .finally(() => {
          this.#reading = undefined;
          this.#closeOlder();
        });
    } else if (nowMs - this.#triedAtMs > readDeadlineMs) return;
    const timer = new AbortController();
    await Promise.race([this.#reading, this.#clock.sleep(readDeadlineMs, timer.signal).catch(() => {})]);
    timer.abort();
  }

  status(): DirectoryStatus {
    const sealedWith = this.#store.entries();
    return {
      connected: this.#bucket.connected,
      whole: this.#whole(),
      entries: this.#opener.keys.reduce((sum, key) => sum + (sealedWith[key] ?? 0), 0),
      sealedWith,
      readAgeMs: this.#readAtMs === undefined ? undefined : this.#clock.monotonicMs() - this.#readAtMs,
      refused: this.#refused,
      unreadable: this.#unreadable,
      openFailures: this.#openFailures,
    };
  }

  /** Every uplink that an account's events may have gone to. */
  shards(): Shard[] {
    return this.#store
      .layouts()
      .flatMap(({ region, shardCount }) => Array.from({ length: shardCount }, (_, shard) => ({ region, shard })));
  }

  /** Before the next request of a moved account has to wait for it; who fails is asked again after the next look. */
  #closeOlder(): void {
    const { edge, close } = this.#mover;
    for (const [accountId, layout] of this.#moving) closeOlder(close, accountId, layout, edge).catch(() => {});
  }

  #whole(): boolean {
    return this.#markerSeen && this.#readAtMs !== undefined && this.#clock.monotonicMs() - this.#readAtMs < wholeForMs;
  }

  async #read(): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const state = await this.#bucket.state();
    if (state === undefined) {
      this.#markerSeen = false;
      this.#readAtMs = startedMs;
      return;
    }
    const before = this.#store.position();
    const keys = [...this.#opener.keys].sort().join();
    const same = before !== undefined && before.created === state.created && before.keys === keys;
    let position: BucketPosition =
      same && before.sequence <= state.lastSequence ? before : { created: state.created, sequence: 0, keys };
    const marker = await this.#bucket.last(snapshotKey);
    for (let more = position.sequence < state.lastSequence; more; ) {
      const batch = await this.#bucket.after(position.sequence);
      const last = batch.entries.at(-1);
      if (last) position = { ...position, sequence: last.sequence };
      await this.#apply(batch.entries, position);
      more = batch.more && last !== undefined;
    }
    const opened = marker && (await openDirectorySnapshot(this.#opener, marker.value));
    this.#markerSeen =
      marker !== undefined &&
      opened?.kind === "snapshot" &&
      position.sequence >= marker.sequence &&
      this.#holds(opened.snapshot.entries);
    this.#readAtMs = startedMs;
  }

  /** A marker that somebody put back into a bucket that he had emptied is genuine; what it speaks of is not there. */
  #holds(entries: bigint): boolean {
    return Object.values(this.#store.entries()).reduce((sum, each) => sum + each, 0) >= entries;
  }

  /** Deletes and purges are ignored: a removed route has a value that marks it as removed. */
  async #apply(
    puts: readonly { key: string; value: Uint8Array<ArrayBuffer>; deleted: boolean }[],
    position: BucketPosition,
  ): Promise<void> {
    const entries = new Map<string, DirectoryEntry>();
    const layouts: Layout[] = [];
    for (const { key, value, deleted } of puts) {
      if (deleted) continue;
      if (key === snapshotKey) {
        if ((await openDirectorySnapshot(this.#opener, value)).kind === "refused") this.#openFailures += 1;
        continue;
      }
      const known = entries.get(key) ?? this.#store.get(key);
      const opened = await openDirectoryValue(this.#opener, key, value);
      if (opened.kind !== "value") {
        if (opened.kind === "refused") this.#openFailures += 1;
        else this.#unreadable += 1;
        // A route of which we knew nothing must not count as unknown: the unreadable bytes are kept, so that readers find it not loaded.
        if (known === undefined) entries.set(key, { key, rowVersion: -1, value, sealedWith: "" });
        continue;
      }
      const rowVersion = Number(opened.value.rowVersion);
      if (known !== undefined && rowVersion < known.rowVersion) {
        this.#refused += 1;
        continue;
      }
      entries.set(key, { key, rowVersion, value, sealedWith: opened.sealedWith });
      const account = opened.value.account;
      if (account) {
        const layout = layoutOf(account);
        if (isMoving(layout, this.#mover.edge)) this.#moving.set(account.accountId, layout);
        else this.#moving.delete(account.accountId);
      }
      if (account && account.shardCount >= 1)
        layouts.push({ region: account.homeRegion, layoutVersion: Number(account.generation), shardCount: account.shardCount });
    }
    this.#store.put([...entries.values()], layouts, position);
  }
}
