// The directory of one region on Cloudflare: a Durable Object whose storage keeps the copy, so that the edge knows its routes also when
// it starts while the bus is away. In clear for now: sealing comes with the edge issue.
/// <reference path="./cloudflare-workers.d.ts" />
import { DurableObject } from "cloudflare:workers";
import type { DurableObjectState } from "@cloudflare/workers-types";
import { buckets } from "@mio/shared/bus/streams.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { bucketReader } from "../bucket-reader.ts";
import type { Lookup } from "../directory.ts";
import { DirectoryCopy } from "../directory-copy.ts";
import { directoryStore } from "../directory-store.ts";
import type { DirectoryStatus } from "../pressure.ts";
import type { Shard } from "../uplink/uplink.ts";
import { type Env, readConfiguration } from "./env.ts";
import { webSocketLink } from "./nats-ws.ts";

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
    const link = webSocketLink({ servers: [url], user, password, name: "mio-edge-directory", clock, random });
    const { storage } = context;
    this.#copy = new DirectoryCopy(
      directoryStore({
        rows: (query, ...values) => storage.sql.exec(query, ...values).toArray(),
        together: (write) => storage.transactionSync(write),
      }),
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
