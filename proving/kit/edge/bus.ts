// A real bus as the edge meets it: its own user with least permission, the ingress stream, the directory bucket; and an operator's
// connection to see what arrived and to play core's publisher.

import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { NatsUser } from "@mio/local/servers/nats-server.ts";
import {
  DirectorySnapshotSchema,
  DirectoryValueSchema,
  type IngressEvent,
  type IngressGroup,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { buckets, streams } from "@mio/shared/bus/names/streams.ts";
import { permissionsOf } from "@mio/shared/bus/names/users.ts";
import {
  accountRoute,
  channelRoute,
  directoryKeyOf,
  sealDirectorySnapshot,
  sealDirectoryValue,
  snapshotKey,
  workspaceRoute,
} from "@mio/shared/bus/wire/directory.ts";
import { decodeIngressEvent, decodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import { type Sealer, sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { randomOf } from "@mio/shared/random.ts";
import { DiscardPolicy, type KV, type NatsConnection, RetentionPolicy, StorageType, type StreamConfig } from "../bus/client.ts";
import { connectTo } from "../bus/connection.ts";
import { testSealingKeys } from "../bus/directory-keys.ts";
import { testNats } from "../bus/nats.ts";
import { sampleChannel } from "../sample-channel/inbound.ts";

export const edgeUser = { user: "edge", password: "edge-password" };
/** As core seals in these tests. */
export const testSealer = sealerOf(testSealingKeys, randomOf(globalThis.crypto));
/** May everything; core plays by its rules in these tests. */
export const operator = { user: "operator", pass: "operator-password" };

export type ArrivedEvent = { sequence: number; group: IngressGroup; event: IngressEvent };

export interface EdgeBus extends AsyncDisposable {
  server: Awaited<ReturnType<typeof testNats>>;
  /** Puts values into the bucket and, last, the publisher's marker. */
  publish(values: readonly DirectoryInit[], sealer?: Sealer): Promise<void>;
  /** All events of the ingress stream, in its order. */
  arrived(): Promise<ArrivedEvent[]>;
  /** How many messages the ingress stream holds. */
  stored(): Promise<number>;
  /** Other limits for the ingress stream. */
  limitIngress(limits: Partial<StreamConfig>): Promise<void>;
  deleteBucket(): Promise<void>;
  deleteIngress(): Promise<void>;
  createIngress(): Promise<void>;
  /**
   * From now on the ingress stream takes what it gets at once, and acknowledges it after `delayMs()` only; never when that is infinite.
   * Before any event is in it.
   */
  acknowledgeLate(delayMs: () => number): Promise<AsyncDisposable>;
  bucket(): Promise<KV>;
}

/** `others`: users beside the edge and the operator. */
export async function edgeBus(others: readonly NatsUser[] = []): Promise<EdgeBus> {
  const { inboxPrefix: _, ...permissions } = permissionsOf({ role: "edge" });
  const server = await testNats({
    users: [{ ...edgeUser, permissions }, { user: operator.user, password: operator.pass }, ...others],
  });
  // A connection a call: the server is killed and started again under our hands.
  const withNats = async <T>(use: (nats: NatsConnection) => Promise<T>): Promise<T> => {
    const nats = await connectTo(server.url, operator);
    try {
      return await use(nats);
    } finally {
      await nats.close();
    }
  };
  const openBucket = (nats: NatsConnection) => nats.jetstream().views.kv(buckets.directory.name, { history: 1 });
  const bus: EdgeBus = {
    server,
    publish: (values, sealer = testSealer) =>
      withNats(async (nats) => {
        const bucket = await openBucket(nats);
        for (const value of values) {
          const whole = create(DirectoryValueSchema, { version: 1, ...value });
          await bucket.put(directoryKeyOf(whole.route), await sealDirectoryValue(sealer, whole));
        }
        const revision = BigInt((await bucket.status()).streamInfo.state.last_seq);
        const snapshot = create(DirectorySnapshotSchema, { version: 1, entries: BigInt(values.length), revision });
        await bucket.put(snapshotKey, await sealDirectorySnapshot(sealer, snapshot));
      }),
    arrived: () => withNats(readIngress),
    stored: () =>
      withNats(async (nats) => (await (await nats.jetstreamManager()).streams.info(streams.ingress.name)).state.messages),
    limitIngress: (limits) =>
      withNats(async (nats) => void (await (await nats.jetstreamManager()).streams.update(streams.ingress.name, limits))),
    deleteBucket: () =>
      withNats(async (nats) => void (await (await nats.jetstreamManager()).streams.delete(`KV_${buckets.directory.name}`))),
    deleteIngress: () =>
      withNats(async (nats) => void (await (await nats.jetstreamManager()).streams.delete(streams.ingress.name))),
    createIngress: () => withNats((nats) => addIngress(nats, [...streams.ingress.subjects])),
    acknowledgeLate: async (delayMs) => {
      await bus.deleteIngress();
      await withNats((nats) => addIngress(nats, streams.ingress.subjects.map(behindRelay)));
      return relay(await connectTo(server.url, operator), delayMs);
    },
    bucket: () => withNats(openBucket),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  await bus.createIngress();
  return bus;
}

async function addIngress(nats: NatsConnection, subjects: string[]): Promise<void> {
  await (await nats.jetstreamManager()).streams.add({
    name: streams.ingress.name,
    subjects,
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: 256 * 1024 * 1024,
  });
}

function behindRelay(subject: string): string {
  return `relayed.${subject}`;
}

/** Listens where the stream did, hands on in order, and holds the acknowledgements back. */
async function relay(nats: NatsConnection, delayMs: () => number): Promise<AsyncDisposable> {
  const stream = nats.jetstream();
  const arriving = nats.subscribe(streams.ingress.subjects[0] ?? "");
  // It listens from here on.
  await nats.flush();
  const handOn = async () => {
    for await (const message of arriving) {
      const { headers } = message;
      const acknowledged = await stream.publish(behindRelay(message.subject), message.data, { ...(headers ? { headers } : {}) });
      const waitMs = delayMs();
      if (Number.isFinite(waitMs)) setTimeout(() => message.respond(JSON.stringify(acknowledged)), waitMs);
    }
  };
  void handOn().catch(() => {});
  return { [Symbol.asyncDispose]: () => nats.close() };
}

async function readIngress(nats: NatsConnection): Promise<ArrivedEvent[]> {
  const manager = await nats.jetstreamManager();
  const { state } = await manager.streams.info(streams.ingress.name);
  const found: ArrivedEvent[] = [];
  for (let sequence = state.first_seq; state.messages > 0 && sequence <= state.last_seq; sequence++) {
    const stored = await manager.streams.getMessage(streams.ingress.name, { seq: sequence });
    const decoded = decodeIngressGroup(stored.data);
    if (decoded.kind !== "group") throw new Error(`group ${sequence} is ${decoded.kind}`);
    for (const bytes of decoded.group.events) {
      const event = decodeIngressEvent(bytes);
      if (event.kind !== "event") throw new Error(`an event of group ${sequence} is ${event.kind}`);
      found.push({ sequence, group: decoded.group, event: event.event });
    }
  }
  return found;
}

export interface SampleAccount {
  accountId: string;
  tenantId: string;
  externalId: string;
  secret: string;
  shardCount?: number;
  rowVersion?: bigint;
}

/** A DirectoryValue as a test writes it down. */
export interface DirectoryInit {
  route: string;
  rowVersion: bigint;
  secrets: { scheme: string; value: string; accountId?: string; notBefore?: Timestamp; notAfter?: Timestamp }[];
  account?: {
    tenantId: string;
    accountId: string;
    channelType: string;
    externalId: string;
    homeRegion: string;
    shardCount: number;
    generation: bigint;
    disabled?: boolean;
    previous?: { homeRegion: string; shardCount: number }[];
    closedBy?: string[];
  };
}

/** What core publishes for live accounts of the sample channel. */
export function directoryOf(accounts: readonly SampleAccount[]): DirectoryInit[] {
  const values = accounts.flatMap((each) => {
    const secrets = [{ scheme: "sample", value: each.secret, accountId: each.accountId }];
    const account = {
      tenantId: each.tenantId,
      accountId: each.accountId,
      channelType: sampleChannel,
      externalId: each.externalId,
      homeRegion: "local",
      shardCount: each.shardCount ?? 2,
      generation: 1n,
    };
    const common = { rowVersion: each.rowVersion ?? 1n, secrets, account };
    return [
      { route: accountRoute(sampleChannel, each.accountId), ...common },
      { route: workspaceRoute(sampleChannel, each.externalId), ...common },
    ];
  });
  const secrets = accounts.map(({ secret, accountId }) => ({ scheme: "sample", value: secret, accountId }));
  return [...values, { route: channelRoute(sampleChannel), rowVersion: 1n, secrets }];
}
