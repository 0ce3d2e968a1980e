// The directory of one region on Cloudflare: a Durable Object whose storage keeps the copy, so that the edge knows its routes also when
// it starts while the bus is away. The copy is sealed; the key comes with each start and is never stored.
/// <reference path="./cloudflare-workers.d.ts" />
import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace, DurableObjectState } from "@cloudflare/workers-types";
import { buckets } from "@mio/shared/bus/names/streams.ts";
import { bucketReader } from "@mio/shared/bus/read/bucket-reader.ts";
import { openerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import type { Lookup } from "../directory/directory.ts";
import { DirectoryCopy } from "../directory/directory-copy.ts";
import { directoryStore } from "../directory/directory-store.ts";
import type { DirectoryStatus } from "../edge-health.ts";
import { type Asked, askCore } from "../oauth/ask-core.ts";
import { uplinkName } from "../uplink/layout.ts";
import type { NatsLink } from "../uplink/nats-link.ts";
import type { Shard } from "../uplink/uplink.ts";
import { readConfiguration, readDirectoryKeys, type Variables } from "./env.ts";
import { webSocketLink } from "./nats-ws.ts";
import type { UplinkObject } from "./uplink-object.ts";

/** It has uplinks close their older layouts. */
export interface DirectoryObjectEnv extends Variables {
  UPLINK: DurableObjectNamespace<UplinkObject>;
}

export class DirectoryObject extends DurableObject<DirectoryObjectEnv> {
  readonly #copy: DirectoryCopy;
  readonly #link: NatsLink;
  readonly #connecting: Promise<unknown>;

  constructor(context: DurableObjectState, env: DirectoryObjectEnv) {
    super(context, env);
    const config = readConfiguration(env);
    const clock = clockOf(globalThis);
    const random = randomOf(crypto);
    const { NATS_WEBSOCKET_URL: servers, NATS_USER: user, NATS_PASSWORD: password } = config;
    this.#link = webSocketLink({ servers, user, password, name: "mio-edge-directory", clock, random });
    const { storage } = context;
    this.#copy = new DirectoryCopy(
      directoryStore({
        rows: (query, ...values) => storage.sql.exec(query, ...values).toArray(),
        together: (write) => storage.transactionSync(write),
      }),
      bucketReader(() => this.#link.bus, buckets.directory.name),
      openerOf(readDirectoryKeys(env)),
      clock,
      {
        edge: config.EDGE_REGION,
        close: (shard, closing) => env.UPLINK.getByName(uplinkName(shard)).closeLayout(shard, closing),
      },
    );
    this.#connecting = this.#link.triedSoon();
  }

  async lookup(keys: string[]): Promise<Lookup> {
    await this.#connecting;
    return this.#copy.lookup(keys);
  }

  /** Whatever has to ask core asks through this object: it holds the region's connection, and an uplink's is for its group in flight. */
  async askCore(subject: string, body: Uint8Array<ArrayBuffer>, timeoutMs: number): Promise<Asked> {
    await this.#connecting;
    return askCore(this.#link.bus, subject, body, timeoutMs);
  }

  async status(): Promise<{ directory: DirectoryStatus; shards: Shard[] }> {
    await this.#connecting;
    await this.#copy.refresh();
    return { directory: this.#copy.status(), shards: this.#copy.shards() };
  }
}
