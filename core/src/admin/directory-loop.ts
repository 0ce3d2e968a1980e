// Makes the directory bucket equal Postgres: at start, on change, every few seconds, and after anybody has emptied the bucket.
// Values are only ever replaced by newer ones (compare-and-set); a route that is gone stays as a value that says so.
import { create, equals } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DirectorySnapshotSchema, type DirectoryValue, DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import {
  decodeDirectoryValue,
  directoryKeyOf,
  encodeDirectorySnapshot,
  encodeDirectoryValue,
  snapshotKey,
} from "@mio/shared/bus/directory.ts";
import { buckets } from "@mio/shared/bus/streams.ts";
import type { KV, NatsConnection } from "nats";
import type { Pool } from "pg";
import * as v from "valibot";
import { provisionBucket } from "../bus/provision.ts";
import { type DirectoryRow, directoryValuesOf } from "./directory-values.ts";

const directoryRow = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  external_id: v.string(),
  settings: v.record(v.string(), v.string()),
  home_region: v.string(),
  shard_count: v.number(),
  shard_generation: v.string(),
  row_version: v.string(),
  disabled: v.boolean(),
  secrets: v.array(
    v.object({
      scheme: v.string(),
      value: v.string(),
      not_after: v.nullable(
        v.pipe(
          v.string(),
          v.transform((text) => new Date(text)),
        ),
      ),
    }),
  ),
});

export interface DirectoryPass {
  routes: number;
  written: number;
}

/** One pass. Safe beside another replica's: a value that changed under our hand is left for the next pass. */
export async function publishDirectory(nats: NatsConnection, db: Pool, nowMs: number, replicas: number): Promise<DirectoryPass> {
  // Also when somebody deleted it: the client would make it with one replica.
  await provisionBucket(nats, buckets.directory, replicas);
  const kv = await nats.jetstream().views.kv(buckets.directory.name, { bindOnly: true });
  const present = await readBucket(kv);
  const wanted = directoryValuesOf(await readRows(db));
  let written = 0;
  for (const value of wanted.values()) {
    const key = directoryKeyOf(value.route);
    const entry = present.get(key);
    if (entry?.value !== undefined && !isNewer(value, entry.value)) continue;
    await kv.put(key, encodeDirectoryValue(value), { previousSeq: entry?.revision ?? 0 });
    written += 1;
  }
  if (written > 0 || !present.has(snapshotKey)) {
    const revision = (await kv.status()).streamInfo.state.last_seq;
    const snapshot = create(DirectorySnapshotSchema, {
      version: 1,
      completedAt: timestampFromMs(nowMs),
      entries: BigInt(wanted.size),
      revision: BigInt(revision),
    });
    await kv.put(snapshotKey, encodeDirectorySnapshot(snapshot));
  }
  return { routes: wanted.size, written };
}

interface BucketEntry {
  revision: number;
  /** Undefined when it was deleted by somebody, or cannot be decoded: then it is written anew. */
  value: DirectoryValue | undefined;
}

async function readBucket(kv: KV): Promise<Map<string, BucketEntry>> {
  const present = new Map<string, BucketEntry>();
  for await (const entry of await kv.history()) {
    const deleted = entry.operation !== "PUT";
    if (entry.key === snapshotKey) {
      if (!deleted) present.set(snapshotKey, { revision: entry.revision, value: undefined });
      continue;
    }
    const decoded = deleted ? undefined : decodeDirectoryValue(entry.value);
    present.set(entry.key, { revision: entry.revision, value: decoded?.kind === "value" ? decoded.value : undefined });
  }
  return present;
}

function isNewer(wanted: DirectoryValue, present: DirectoryValue): boolean {
  // A present version above ours comes from a replica that read a later state; ours is late, not right.
  if (wanted.rowVersion !== present.rowVersion) return wanted.rowVersion > present.rowVersion;
  return !equals(DirectoryValueSchema, wanted, present);
}

async function readRows(db: Pool): Promise<DirectoryRow[]> {
  const found = await db.query(
    `select a.id, a.tenant_id, a.channel_type, a.external_id, a.settings, a.home_region, a.shard_count, a.shard_generation,
            a.row_version, a.disabled_at is not null as disabled,
            coalesce(jsonb_agg(jsonb_build_object('scheme', s.scheme, 'value', s.value, 'not_after', s.not_after) order by s.created_at, s.scheme, s.value)
              filter (where s.account_id is not null), '[]') as secrets
       from accounts a
       left join account_secrets s on s.account_id = a.id and s.purpose = 'verification' and (s.not_after is null or s.not_after > now())
      group by a.id order by a.created_at, a.id`,
  );
  return v.parse(v.array(directoryRow), found.rows);
}
