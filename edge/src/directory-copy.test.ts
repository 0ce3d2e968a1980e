import { create } from "@bufbuild/protobuf";
import { DirectorySnapshotSchema, DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import {
  decodeDirectoryValue,
  directoryKeyOf,
  encodeDirectorySnapshot,
  encodeDirectoryValue,
  snapshotKey,
} from "@mio/shared/bus/directory.ts";
import { describe, expect, it } from "vitest";
import type { BucketEntry, BucketReader } from "./bucket-reader.ts";
import { type BucketPosition, DirectoryCopy, type DirectoryEntry, type DirectoryStore, type Layout } from "./directory-copy.ts";
import { VirtualClock } from "./testing/virtual-clock.ts";

/** A bucket with history 1 that can be wiped, made anew and cut off. */
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

  makeAnew(): void {
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
    entries: () => entries.size,
    layouts: () => layouts,
  };
}

const value = (route: string, rowVersion: bigint, rest: { removed?: boolean; scheme?: string } = {}) =>
  encodeDirectoryValue(
    create(DirectoryValueSchema, {
      version: 1,
      route,
      rowVersion,
      removed: rest.removed ?? false,
      secrets: [{ scheme: rest.scheme ?? "s" }],
    }),
  );
const put = (bucket: Bucket, route: string, rowVersion: bigint, rest = {}) =>
  bucket.put(directoryKeyOf(route), value(route, rowVersion, rest));
const mark = (bucket: Bucket) =>
  bucket.put(snapshotKey, encodeDirectorySnapshot(create(DirectorySnapshotSchema, { version: 1 })));

function setUp() {
  const clock = new VirtualClock();
  const bucket = new Bucket();
  const store = memoryStore();
  const copy = new DirectoryCopy(store, bucket, clock);
  const restarted = () => new DirectoryCopy(store, bucket, clock);
  const look = async (route: string, at = copy) => {
    await clock.pass(1_000);
    const asked = at.lookup([directoryKeyOf(route)]);
    await clock.pass(0);
    const { values, whole } = await asked;
    const decoded = values[0] && decodeDirectoryValue(values[0]);
    return { known: decoded?.kind === "value" ? decoded.value : undefined, bytes: values[0], whole };
  };
  return { clock, bucket, store, copy, restarted, look };
}

describe("directory copy of a region", () => {
  it("G11: is whole only once the publisher's marker stands in the bucket", async () => {
    const { bucket, look } = setUp();
    expect((await look("a")).whole).toBe(false);
    for (const route of ["a", "b", "c", "d", "e"]) put(bucket, route, 1n);
    expect(await look("a")).toMatchObject({ known: { rowVersion: 1n }, whole: false });
    mark(bucket);
    expect(await look("unknown")).toMatchObject({ known: undefined, whole: true });
    expect(await look("e")).toMatchObject({ known: { route: "e" }, whole: true });
  });

  it("G11: keeps what it knows and is not whole while the bucket is purged, deleted or made anew without the marker", async () => {
    const wipes: ((bucket: Bucket) => void)[] = [
      (bucket) => bucket.purge(),
      (bucket) => bucket.remove(),
      (bucket) => bucket.makeAnew(),
      (bucket) => bucket.put(snapshotKey, new Uint8Array(), true),
    ];
    for (const wipe of wipes) {
      const { bucket, look } = setUp();
      put(bucket, "a", 1n);
      mark(bucket);
      expect((await look("a")).whole).toBe(true);
      wipe(bucket);
      expect(await look("a")).toMatchObject({ known: { rowVersion: 1n }, whole: false });
      bucket.exists = true;
      put(bucket, "new", 1n);
      mark(bucket);
      expect(await look("new")).toMatchObject({ known: { rowVersion: 1n }, whole: true });
    }
  });

  it("G11: keeps a value until a newer one replaces it: an older version, a delete and a purge say nothing", async () => {
    const { bucket, look, copy } = setUp();
    put(bucket, "a", 5n);
    mark(bucket);
    await look("a");
    put(bucket, "a", 4n, { scheme: "old" });
    expect((await look("a")).known).toMatchObject({ rowVersion: 5n, secrets: [{ scheme: "s" }] });
    expect(copy.status().refused).toBe(1);
    bucket.put(directoryKeyOf("a"), new Uint8Array(), true);
    expect((await look("a")).known).toMatchObject({ rowVersion: 5n });
    put(bucket, "a", 6n, { removed: true });
    expect((await look("a")).known).toMatchObject({ rowVersion: 6n, removed: true });
  });

  it("G11: keeps what it knows when a newer core writes what it cannot read, and does not call such a route unknown", async () => {
    const { bucket, look, copy } = setUp();
    put(bucket, "a", 1n);
    mark(bucket);
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
    put(bucket, "a", 1n);
    mark(bucket);
    await look("a");
    bucket.connected = false;
    const after = restarted();
    expect(await look("a", after)).toMatchObject({ known: { rowVersion: 1n }, whole: false });
    expect(await look("b", after)).toMatchObject({ known: undefined, whole: false });
    bucket.connected = true;
    expect(await look("b", after)).toMatchObject({ known: undefined, whole: true });
  });

  it("stops being whole 3 s after its last look", async () => {
    const { bucket, look } = setUp();
    mark(bucket);
    expect((await look("a")).whole).toBe(true);
    bucket.connected = false;
    expect((await look("a")).whole).toBe(true);
    expect((await look("a")).whole).toBe(true);
    expect((await look("a")).whole).toBe(false);
  });

  it("looks at most once a second, one look at a time, and waits at most 500 ms for it", async () => {
    const { bucket, clock, copy } = setUp();
    await clock.pass(1_000);
    const many = Promise.all(Array.from({ length: 20 }, () => copy.lookup([])));
    await clock.pass(0);
    await many;
    expect(bucket.reads).toBe(1);
    await clock.pass(1_000);
    bucket.state = () => new Promise(() => {});
    let answered = false;
    const hung = copy.lookup([]).then(() => {
      answered = true;
    });
    await clock.pass(499);
    expect(answered).toBe(false);
    await clock.pass(2);
    await hung;
    // While that look hangs, nobody else waits for it.
    await copy.lookup([]);
  });
});
