// The directory of one region on Cloudflare: a Durable Object whose storage keeps the copy, so that the edge knows its routes also when
// it starts while the bus is away. In clear for now: sealing comes with the edge issue.
/// <reference path="./cloudflare-workers.d.ts" />
import { DurableObject } from "cloudflare:workers";
import type { DurableObjectState, DurableObjectStorage } from "@cloudflare/workers-types";
import { buckets } from "@mio/shared/bus/streams.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { bucketReader } from "../bucket-reader.ts";
import type { Lookup } from "../directory.ts";
import { type BucketPosition, DirectoryCopy, type DirectoryEntry, type DirectoryStore, type Layout } from "../directory-copy.ts";
import type { DirectoryStatus } from "../pressure.ts";
import type { Shard } from "../uplink/uplink.ts";
import { type Env, readConfiguration } from "./env.ts";
import { NatsLink } from "./nats-ws.ts";

const firstConnectionMs = 400;

export class DirectoryObject extends DurableObject<Env> {
  readonly #copy: DirectoryCopy;
  readonly #connecting: Promise<unknown>;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const config = readConfiguration(env);
    const clock = clockOf(globalThis);
    const random = randomOf(crypto);
    const { NATS_WEBSOCKET_URL: url, NATS_USER: user, NATS_PASSWORD: password } = config;
    const link = new NatsLink({ url, user, password, name: "mio-edge-directory", clock, random });
    this.#copy = new DirectoryCopy(
      objectStore(context.storage),
      bucketReader(() => link.bus, buckets.directory.name),
      clock,
    );
    this.#connecting = Promise.race([link.tried, clock.sleep(firstConnectionMs)]);
  }

  async lookup(keys: string[]): Promise<Lookup> {
    await this.#connecting;
    return this.#copy.lookup(keys);
  }

  async status(): Promise<{ directory: DirectoryStatus; shards: Shard[] }> {
    await this.#connecting;
    await this.#copy.refresh();
    return { directory: this.#copy.status(), shards: this.#copy.shards() };
  }
}

function objectStore(storage: DurableObjectStorage): DirectoryStore {
  const { sql } = storage;
  sql.exec("create table if not exists directory (key text primary key, row_version integer not null, value blob not null)");
  sql.exec(
    "create table if not exists position (only integer primary key check (only = 1), created text not null, sequence integer not null)",
  );
  sql.exec(`create table if not exists layouts (
    region text not null, generation integer not null, shard_count integer not null, primary key (region, generation, shard_count))`);
  return {
    get(key) {
      const [row] = sql
        .exec<{ row_version: number; value: ArrayBuffer }>("select row_version, value from directory where key = ?", key)
        .toArray();
      return row && { key, rowVersion: row.row_version, value: new Uint8Array(row.value) };
    },
    put(entries: readonly DirectoryEntry[], layouts: readonly Layout[], position: BucketPosition) {
      storage.transactionSync(() => {
        for (const { key, rowVersion, value } of entries)
          sql.exec("insert or replace into directory (key, row_version, value) values (?, ?, ?)", key, rowVersion, value);
        for (const { region, generation, shardCount } of layouts)
          sql.exec(
            "insert or ignore into layouts (region, generation, shard_count) values (?, ?, ?)",
            region,
            generation,
            shardCount,
          );
        sql.exec(
          "insert or replace into position (only, created, sequence) values (1, ?, ?)",
          position.created,
          position.sequence,
        );
      });
    },
    position() {
      return sql.exec<{ created: string; sequence: number }>("select created, sequence from position").toArray()[0];
    },
    entries() {
      return sql.exec<{ entries: number }>("select count(*) as entries from directory").one().entries;
    },
    layouts() {
      return sql
        .exec<{ region: string; generation: number; shard_count: number }>("select region, generation, shard_count from layouts")
        .toArray()
        .map(({ region, generation, shard_count }) => ({ region, generation, shardCount: shard_count }));
    },
  };
}
