import { create, toBinary } from "@bufbuild/protobuf";
import { DirectorySnapshotSchema, DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { testSealingKeys } from "@mio/proving/kit/bus/directory-keys.ts";
import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import type { BucketEntry, BucketReader } from "@mio/shared/bus/read/bucket-reader.ts";
import {
  directoryKeyOf,
  openDirectoryValue,
  sealDirectorySnapshot,
  sealDirectoryValue,
  snapshotKey,
} from "@mio/shared/bus/wire/directory.ts";
import { openerOf, parseSealingKeys, type SealingKey, sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { randomOf } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";
import { type BucketPosition, DirectoryCopy, type DirectoryEntry, type DirectoryStore, type Layout } from "./directory-copy.ts";

/** A bucket with history 1 that can be wiped, recreated and cut off. */
class Bucket implements BucketReader {
  connected = true;
  created = "first";
  exists = true;
  reads = 0;
  #sequence = 0;
  #entries = new Map<string, BucketEntry>();

  put(key: string, value: Uint8Array<ArrayBuffer>, deleted = false): void {
    this.#sequence += 1;
    this.#entries.delete(key);
    this.#entries.set(key, { key, sequence: this.#sequence, value, deleted });
  }

  /** Purged: no marks are left, and the sequence goes on. */
  purge(): void {
    this.#entries.clear();
  }

  remove(): void {
    this.exists = false;
  }

  recreate(): void {
    this.#entries.clear();
    this.#sequence = 0;
    this.created = "second";
  }

  async state() {
    this.reads += 1;
    return this.exists ? { created: this.created, lastSequence: this.#sequence } : undefined;
  }

  async last(key: string) {
    const entry = this.#entries.get(key);
    return entry?.deleted ? undefined : entry;
  }

  async after(sequence: number) {
    const entries = [...this.#entries.values()].filter((entry) => entry.sequence > sequence);
    return { entries: entries.slice(0, 2), more: entries.length > 2 };
  }
}

function memoryStore(): DirectoryStore {
  const entries = new Map<string, DirectoryEntry>();
  const layouts: Layout[] = [];
  let position: BucketPosition | undefined;
  return {
    get: (key) => entries.get(key),
    put: (puts, newLayouts, to) => {
      for (const entry of puts) entries.set(entry.key, entry);
      layouts.push(...newLayouts);
      position = to;
    },
    position: () => position,
    entries: () => {
      const counts: Record<string, number> = {};
      for (const { sealedWith } of entries.values()) counts[sealedWith] = (counts[sealedWith] ?? 0) + 1;
      return counts;
    },
    layouts: () => layouts,
  };
}

const random = randomOf(globalThis.crypto);
const newKeys = parseSealingKeys(`new:${Buffer.alloc(32, 1).toString("base64")}`) ?? [];
const wrongKeys = parseSealingKeys(`test:${Buffer.alloc(32, 2).toString("base64")}`) ?? [];

interface Rest {
  removed?: boolean;
  scheme?: string;
  keys?: readonly SealingKey[];
}

const value = (route: string, rowVersion: bigint, { removed = false, scheme = "s", keys = testSealingKeys }: Rest = {}) =>
  sealDirectoryValue(
    sealerOf(keys, random),
    create(DirectoryValueSchema, { version: 1, route, rowVersion, removed, secrets: [{ scheme, value: "a-secret" }] }),
  );
const put = async (bucket: Bucket, route: string, rowVersion: bigint, rest: Rest = {}) =>
  bucket.put(directoryKeyOf(route), await value(route, rowVersion, rest));
const mark = async (bucket: Bucket, entries = 0n, keys: readonly SealingKey[] = testSealingKeys) =>
  bucket.put(
    snapshotKey,
    await sealDirectorySnapshot(sealerOf(keys, random), create(DirectorySnapshotSchema, { version: 1, entries })),
  );

function setUp() {
  const clock = manualClock();
  const bucket = new Bucket();
  const store = memoryStore();
  const mover = { edge: "local", close: async () => {} };
  const started = (keys: readonly SealingKey[] = testSealingKeys) =>
    new DirectoryCopy(store, bucket, openerOf(keys), clock, mover);
  const copy = started();
  const opener = openerOf([...testSealingKeys, ...newKeys]);
  const look = async (route: string, at = copy) => {
    await clock.advance(1_000);
    const asked = at.lookup([directoryKeyOf(route)]);
    await clock.advance(0);
    const { values, whole } = await asked;
    const opened = values[0] && (await openDirectoryValue(opener, directoryKeyOf(route), values[0]));
    return { known: opened?.kind === "value" ? opened.value : undefined, bytes: values[0], whole };
  };
  return { clock, bucket, store, copy, restarted: started, look };
}

describe("directory copy of a region", () => {
  it("G11: is whole only once the publisher's marker stands in the bucket", async () => {
    const { bucket, look } = setUp();
    expect((await look("a")).whole).toBe(false);
    for (const route of ["a", "b", "c", "d", "e"]) await put(bucket, route, 1n);
    expect(await look("a")).toMatchObject({ known: { rowVersion: 1n }, whole: false });
    await mark(bucket);
    expect(await look("unknown")).toMatchObject({ known: undefined, whole: true });
    expect(await look("e")).toMatchObject({ known: { route: "e" }, whole: true });
  });

  it("G11: keeps what it knows and is not whole while the bucket is purged, deleted or recreated without the marker", async () => {
    const wipes: ((bucket: Bucket) => void)[] = [
      (bucket) => bucket.purge(),
      (bucket) => bucket.remove(),
      (bucket) => bucket.recreate(),
      (bucket) => bucket.put(snapshotKey, new Uint8Array(), true),
    ];
    for (const wipe of wipes) {
      const { bucket, look } = setUp();
      await put(bucket, "a", 1n);
      await mark(bucket);
      expect((await look("a")).whole).toBe(true);
      wipe(bucket);
      expect(await look("a")).toMatchObject({ known: { rowVersion: 1n }, whole: false });
      bucket.exists = true;
      await put(bucket, "new", 1n);
      await mark(bucket);
      expect(await look("new")).toMatchObject({ known: { rowVersion: 1n }, whole: true });
    }
  });

  it("G11: keeps a value until a newer one replaces it: an older version, a delete and a purge say nothing", async () => {
    const { bucket, look, copy } = setUp();
    await put(bucket, "a", 5n);
    await mark(bucket);
    await look("a");
    await put(bucket, "a", 4n, { scheme: "old" });
    expect((await look("a")).known).toMatchObject({ rowVersion: 5n, secrets: [{ scheme: "s" }] });
    expect(copy.status().refused).toBe(1);
    bucket.put(directoryKeyOf("a"), new Uint8Array(), true);
    expect((await look("a")).known).toMatchObject({ rowVersion: 5n });
    await put(bucket, "a", 6n, { removed: true });
    expect((await look("a")).known).toMatchObject({ rowVersion: 6n, removed: true });
  });

  it("G11: keeps what it knows when a newer core writes what it cannot read, and does not call such a route unknown", async () => {
    const { bucket, look, copy } = setUp();
    await put(bucket, "a", 1n);
    await mark(bucket);
    await look("a");
    const newer = Uint8Array.of(8, 2);
    bucket.put(directoryKeyOf("a"), newer);
    bucket.put(directoryKeyOf("b"), newer);
    expect((await look("a")).known).toMatchObject({ rowVersion: 1n });
    expect((await look("b")).bytes).toEqual(newer);
    expect(copy.status().unreadable).toBe(2);
  });

  it("G11: works after a restart while the bus is away, but calls nobody unknown", async () => {
    const { bucket, look, restarted } = setUp();
    await put(bucket, "a", 1n);
    await mark(bucket);
    await look("a");
    bucket.connected = false;
    const after = restarted();
    expect(await look("a", after)).toMatchObject({ known: { rowVersion: 1n }, whole: false });
    expect(await look("b", after)).toMatchObject({ known: undefined, whole: false });
    bucket.connected = true;
    expect(await look("b", after)).toMatchObject({ known: undefined, whole: true });
  });

  it("G11: a value that was moved, changed, or sealed by a stranger replaces nothing, is counted, and makes no route unknown", async () => {
    const { bucket, look, copy } = setUp();
    await put(bucket, "a", 1n);
    await put(bucket, "b", 1n);
    await mark(bucket, 2n);
    await look("a");
    const [mine, of] = [await value("a", 9n, { scheme: "newer" }), await value("b", 9n)];
    const refused = [
      of,
      mine.map((byte, index) => (index === mine.length - 1 ? byte ^ 1 : byte)),
      await value("a", 9n, { keys: newKeys }),
      await value("a", 9n, { keys: wrongKeys }),
    ];
    for (const bytes of refused) {
      bucket.put(directoryKeyOf("a"), bytes);
      expect((await look("a")).known).toMatchObject({ rowVersion: 1n, secrets: [{ scheme: "s" }] });
      bucket.put(directoryKeyOf("unheard-of"), bytes);
      expect(await look("unheard-of")).toMatchObject({ known: undefined, bytes: refused[0], whole: true });
    }
    // Each of them stood under two keys.
    expect(copy.status()).toMatchObject({ openFailures: 2 * refused.length, refused: 0, unreadable: 0, entries: 2 });
    // The genuine value goes where a refused one stood.
    await put(bucket, "unheard-of", 1n);
    expect((await look("unheard-of")).known).toMatchObject({ rowVersion: 1n });
  });

  it("G11: is not whole with a marker that is forged, or genuine and put back into an emptied bucket", async () => {
    const markers: ((bucket: Bucket) => Promise<void>)[] = [
      async (bucket) => bucket.put(snapshotKey, new Uint8Array()),
      async (bucket) =>
        bucket.put(snapshotKey, toBinary(DirectorySnapshotSchema, create(DirectorySnapshotSchema, { version: 1 }))),
      async (bucket) => bucket.put(snapshotKey, await value("a", 1n)),
      (bucket) => mark(bucket, 0n, wrongKeys),
      (bucket) => mark(bucket, 3n),
    ];
    for (const forge of markers) {
      const { bucket, look } = setUp();
      await put(bucket, "a", 1n);
      await put(bucket, "b", 1n);
      await forge(bucket);
      expect(await look("unknown")).toMatchObject({ known: undefined, whole: false });
      await mark(bucket, 2n);
      expect(await look("unknown")).toMatchObject({ whole: true });
    }
  });

  it("G11: stores what it knows as it came, never a secret in clear", async () => {
    const { bucket, look, store } = setUp();
    await put(bucket, "a", 1n);
    await look("a");
    const kept = store.get(directoryKeyOf("a"))?.value ?? new Uint8Array();
    expect(kept).toEqual((await bucket.last(directoryKeyOf("a")))?.value);
    expect(Buffer.from(kept).includes("a-secret")).toBe(false);
  });

  it("G11: follows the replacement of a key: a new one opens what was passed over, and an old one may go", async () => {
    const { bucket, look, copy, restarted } = setUp();
    await put(bucket, "a", 1n);
    await put(bucket, "b", 1n);
    await mark(bucket, 2n);
    await look("a");
    // Core seals with a key that this edge was not given yet.
    await put(bucket, "a", 2n, { keys: newKeys });
    await put(bucket, "c", 1n, { keys: newKeys });
    await mark(bucket, 3n, newKeys);
    expect(await look("a")).toMatchObject({ known: { rowVersion: 1n }, whole: false });
    expect(copy.status()).toMatchObject({ openFailures: 3, entries: 2 });
    const [, newName = ""] = openerOf([...testSealingKeys, ...newKeys]).keys;
    const both = restarted([...testSealingKeys, ...newKeys]);
    expect(await look("a", both)).toMatchObject({ known: { rowVersion: 2n }, whole: true });
    expect(await look("c", both)).toMatchObject({ known: { rowVersion: 1n }, whole: true });
    expect(both.status()).toMatchObject({ entries: 3, sealedWith: { [newName]: 2 } });
    // The same version, sealed anew.
    await put(bucket, "b", 1n, { keys: newKeys });
    const after = restarted(newKeys);
    expect(await look("b", after)).toMatchObject({ known: { rowVersion: 1n }, whole: true });
    expect(after.status()).toMatchObject({ entries: 3, openFailures: 0, sealedWith: { [newName]: 3 } });
  });

  it("G11: knows nothing and is not whole with a key that does not fit, under whatever id, and loses nothing by it", async () => {
    for (const keys of [wrongKeys, newKeys]) {
      const { bucket, look, restarted } = setUp();
      await put(bucket, "a", 1n);
      await mark(bucket, 1n);
      await look("a");
      const misfit = restarted(keys);
      expect(misfit.status().entries).toBe(0);
      expect(await look("unknown", misfit)).toMatchObject({ known: undefined, whole: false });
      expect(misfit.status().entries).toBe(0);
      const mended = restarted();
      expect(await look("a", mended)).toMatchObject({ known: { rowVersion: 1n }, whole: true });
      expect(mended.status().entries).toBe(1);
    }
  });

  it("stops being whole 3 s after its last look", async () => {
    const { bucket, look } = setUp();
    await mark(bucket);
    expect((await look("a")).whole).toBe(true);
    bucket.connected = false;
    expect((await look("a")).whole).toBe(true);
    expect((await look("a")).whole).toBe(true);
    expect((await look("a")).whole).toBe(false);
  });

  it("looks at most once a second, one look at a time, and waits at most 500 ms for it", async () => {
    const { bucket, clock, copy } = setUp();
    await clock.advance(1_000);
    const many = Promise.all(Array.from({ length: 20 }, () => copy.lookup([])));
    await clock.advance(0);
    await many;
    expect(bucket.reads).toBe(1);
    await clock.advance(1_000);
    bucket.state = () => new Promise(() => {});
    let answered = false;
    const hung = copy.lookup([]).then(() => {
      answered = true;
    });
    await clock.advance(499);
    expect(answered).toBe(false);
    await clock.advance(2);
    await hung;
    // While that look hangs, nobody else waits for it.
    await copy.lookup([]);
  });
});
