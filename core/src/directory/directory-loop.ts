// Keeps the directory bucket the same as Postgres: at start, on change, every few seconds, and after anybody has emptied the bucket.
// Values are only ever replaced by newer ones (compare-and-set); a removed route keeps a value that marks it as removed. All of it is sealed;
// what does not open, or is sealed with an older key than ours, is written anew.
import { create, equals } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DirectorySnapshotSchema, type DirectoryValue, DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { JetStreamError, publishAcked } from "@mio/shared/bus/client/jetstream-api.ts";
import { bucketSubject, buckets } from "@mio/shared/bus/names/streams.ts";
import { type BucketEntry, type BucketReader, bucketReader } from "@mio/shared/bus/read/bucket-reader.ts";
import {
  directoryKeyOf,
  openDirectorySnapshot,
  openDirectoryValue,
  sealDirectorySnapshot,
  sealDirectoryValue,
  snapshotKey,
} from "@mio/shared/bus/wire/directory.ts";
import type { Sealer } from "@mio/shared/bus/wire/sealed-value.ts";
import type { Pool } from "pg";
import { accountsForDirectory } from "../accounts/for-directory.ts";
import type { SecretRing } from "../accounts/sealing.ts";
import { provisionBucket } from "../bus/provision.ts";
import { directoryValuesOf } from "./directory-values.ts";
import { type RefusedAccount, withPresentSecrets } from "./refused-secrets.ts";

const putTimeoutMs = 5_000;

interface DirectoryPass {
  routes: number;
  written: number;
  /** Entries that were not sealed with a key of ours for where they stood. */
  openFailures: number;
  /** Accounts whose secrets in the database do not all open. */
  refused: readonly RefusedAccount[];
}

/** One pass. Safe beside another replica's: a value that changed under our hand is left for the next pass. */
export async function publishDirectory(
  bus: Bus,
  { db, ring }: { db: Pool; ring: SecretRing },
  sealer: Sealer,
  nowMs: number,
  replicas: number,
): Promise<DirectoryPass> {
  // Also when somebody deleted it: the client would make it with one replica.
  await provisionBucket(bus, buckets.directory, replicas);
  const bucket = bucketReader(() => bus, buckets.directory.name);
  const { present, snapshotFits, openFailures } = await readBucket(bucket, sealer);
  const presentAt = (route: string) => present.get(directoryKeyOf(route))?.opened?.value;
  const { accounts, refused } = withPresentSecrets(await accountsForDirectory(db, ring), presentAt, nowMs);
  const wanted = directoryValuesOf(accounts);
  let written = 0;
  for (const value of wanted.values()) {
    const key = directoryKeyOf(value.route);
    const entry = present.get(key);
    if (entry !== undefined && !replaces(value, entry, sealer)) continue;
    await put(bus, key, await sealDirectoryValue(sealer, value), entry?.revision ?? 0);
    written += 1;
  }
  if (written > 0 || !snapshotFits) {
    const { lastSequence: revision = 0 } = (await bucket.state()) ?? {};
    const snapshot = create(DirectorySnapshotSchema, {
      version: 1,
      completedAt: timestampFromMs(nowMs),
      entries: BigInt(wanted.size),
      revision: BigInt(revision),
    });
    await put(bus, snapshotKey, await sealDirectorySnapshot(sealer, snapshot));
  }
  return { routes: wanted.size, written, openFailures, refused };
}

interface Present {
  revision: number;
  /** Undefined when it was deleted by somebody, or does not open: then it is written anew. */
  opened: { value: DirectoryValue; sealedWith: string } | undefined;
}

async function readBucket(
  bucket: BucketReader,
  sealer: Sealer,
): Promise<{ present: Map<string, Present>; snapshotFits: boolean; openFailures: number }> {
  const present = new Map<string, Present>();
  let snapshotFits = false;
  let openFailures = 0;
  for await (const { key, value, sequence: revision, deleted } of entriesOf(bucket)) {
    if (key === snapshotKey) {
      const opened = deleted ? undefined : await openDirectorySnapshot(sealer, value);
      snapshotFits = opened?.kind === "snapshot" && opened.sealedWith === sealer.sealsWith;
      if (opened !== undefined && opened.kind !== "snapshot") openFailures += 1;
      continue;
    }
    const opened = deleted ? undefined : await openDirectoryValue(sealer, key, value);
    if (opened !== undefined && opened.kind !== "value") openFailures += 1;
    present.set(key, { revision, opened: opened?.kind === "value" ? opened : undefined });
  }
  return { present, snapshotFits, openFailures };
}

async function* entriesOf(bucket: BucketReader): AsyncGenerator<BucketEntry> {
  for (let sequence = 0, more = true; more; ) {
    const page = await bucket.after(sequence);
    yield* page.entries;
    sequence = page.entries.at(-1)?.sequence ?? sequence;
    more = page.more;
  }
}

/** Only over the revision that was read, where one is given. Throws when another one stands there. */
async function put(bus: Bus, key: string, value: Uint8Array, revision?: number): Promise<void> {
  const expected = revision === undefined ? {} : { expectedLastSubjectSequence: revision };
  const ack = await publishAcked(bus, bucketSubject(buckets.directory.name, key), value, {
    timeoutMs: putTimeoutMs,
    ...expected,
  });
  if (ack.kind === "refused") throw new JetStreamError(ack.code, ack.description, `writing ${key} to the directory`);
}

function replaces(wanted: DirectoryValue, { opened }: Present, sealer: Sealer): boolean {
  if (opened === undefined) return true;
  const { value, sealedWith } = opened;
  // A present version above ours comes from a replica that read a later state; ours is late, not right.
  if (wanted.rowVersion !== value.rowVersion) return wanted.rowVersion > value.rowVersion;
  return sealedWith !== sealer.sealsWith || !equals(DirectoryValueSchema, wanted, value);
}
