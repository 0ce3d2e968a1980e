// The region's copy of the directory bucket. It keeps what it knows until a newer version replaces it: a wiped bucket, a deleted key or
// a bus that is away takes nothing from it. It is whole only while the bucket, as it stands now, holds the publisher's marker.
import { decodeDirectorySnapshot, decodeDirectoryValue, snapshotKey } from "@mio/shared/bus/directory.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { BucketReader } from "./bucket-reader.ts";
import type { Lookup } from "./directory.ts";
import type { DirectoryStatus } from "./pressure.ts";
import type { Shard } from "./uplink/uplink.ts";

/** How often the bucket is looked at, at most. */
const readEveryMs = 1_000;
/** How long after a look "missing" still means "unknown". */
const wholeForMs = 3_000;
/** How long a request waits for a look; without one it gets what is known. */
const readDeadlineMs = 500;

export interface BucketPosition {
  /** When the bucket was created: another one means that it was made anew. */
  created: string;
  sequence: number;
}

export interface DirectoryEntry {
  key: string;
  rowVersion: number;
  value: Uint8Array<ArrayBuffer>;
}

/** Storage that outlives the process. */
export interface DirectoryStore {
  get(key: string): DirectoryEntry | undefined;
  /** Writes all or nothing. */
  put(entries: readonly DirectoryEntry[], layouts: readonly Layout[], position: BucketPosition): void;
  position(): BucketPosition | undefined;
  entries(): number;
  layouts(): Layout[];
}

/** A shard layout that some account has or had. */
export interface Layout {
  region: string;
  generation: number;
  shardCount: number;
}

export class DirectoryCopy {
  readonly #store: DirectoryStore;
  readonly #bucket: BucketReader;
  readonly #clock: Clock;
  #reading: Promise<void> | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #readAtMs: number | undefined;
  #markerSeen = false;
  #refused = 0;
  #unreadable = 0;

  constructor(store: DirectoryStore, bucket: BucketReader, clock: Clock) {
    this.#store = store;
    this.#bucket = bucket;
    this.#clock = clock;
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
      if (!this.#bucket.connected || nowMs - this.#triedAtMs < readEveryMs) return;
      this.#triedAtMs = nowMs;
      this.#reading = this.#read()
        .catch(() => {})
        .finally(() => {
          this.#reading = undefined;
        });
    } else if (nowMs - this.#triedAtMs > readDeadlineMs) return;
    const timer = new AbortController();
    await Promise.race([this.#reading, this.#clock.sleep(readDeadlineMs, timer.signal).catch(() => {})]);
    timer.abort();
  }

  status(): DirectoryStatus {
    return {
      connected: this.#bucket.connected,
      whole: this.#whole(),
      entries: this.#store.entries(),
      readAgeMs: this.#readAtMs === undefined ? undefined : this.#clock.monotonicMs() - this.#readAtMs,
      refused: this.#refused,
      unreadable: this.#unreadable,
    };
  }

  /** Every uplink that an account's events may have gone to. */
  shards(): Shard[] {
    return this.#store
      .layouts()
      .flatMap(({ region, generation, shardCount }) =>
        Array.from({ length: shardCount }, (_, shard) => ({ region, generation, shard })),
      );
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
    const anew = before === undefined || before.created !== state.created || state.lastSequence < before.sequence;
    let position: BucketPosition = anew ? { created: state.created, sequence: 0 } : before;
    const marker = await this.#bucket.last(snapshotKey);
    for (let more = position.sequence < state.lastSequence; more; ) {
      const batch = await this.#bucket.after(position.sequence);
      const last = batch.entries.at(-1);
      if (last) position = { created: state.created, sequence: last.sequence };
      this.#apply(batch.entries, position);
      more = batch.more && last !== undefined;
    }
    const snapshot = marker && decodeDirectorySnapshot(marker.value);
    this.#markerSeen = snapshot?.kind === "snapshot" && marker !== undefined && position.sequence >= marker.sequence;
    this.#readAtMs = startedMs;
  }

  /** Deletes and purges say nothing: a route that is gone is a value that says so. */
  #apply(puts: readonly { key: string; value: Uint8Array<ArrayBuffer>; deleted: boolean }[], position: BucketPosition): void {
    const entries = new Map<string, DirectoryEntry>();
    const layouts: Layout[] = [];
    for (const { key, value, deleted } of puts) {
      if (deleted || key === snapshotKey) continue;
      const known = entries.get(key) ?? this.#store.get(key);
      const decoded = decodeDirectoryValue(value);
      if (decoded.kind !== "value") {
        this.#unreadable += 1;
        // A key that we know nothing of must not pass for unknown: its bytes stand there, and readers find them unreadable.
        if (known === undefined) entries.set(key, { key, rowVersion: -1, value });
        continue;
      }
      const rowVersion = Number(decoded.value.rowVersion);
      if (known !== undefined && rowVersion < known.rowVersion) {
        this.#refused += 1;
        continue;
      }
      entries.set(key, { key, rowVersion, value });
      const account = decoded.value.account;
      if (account && account.shardCount >= 1)
        layouts.push({ region: account.homeRegion, generation: Number(account.generation), shardCount: account.shardCount });
    }
    this.#store.put([...entries.values()], layouts, position);
  }
}
