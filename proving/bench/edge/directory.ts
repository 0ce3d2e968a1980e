// The bus as the edge needs it: its streams, and a directory with the one account that all webhooks are for.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  DirectoryAccountSchema,
  DirectorySecretSchema,
  DirectorySnapshotSchema,
  DirectoryValueSchema,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { buckets, streams } from "@mio/shared/bus/names/streams.ts";
import {
  accountRoute,
  directoryKeyOf,
  sealDirectorySnapshot,
  sealDirectoryValue,
  snapshotKey,
} from "@mio/shared/bus/wire/directory.ts";
import { sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { randomOf } from "@mio/shared/random.ts";
import type { NatsConnection } from "../../kit/bus/client.ts";
import { testSealingKeys } from "../../kit/bus/directory-keys.ts";
import { signingSecret } from "./load/webhooks.ts";

const accountId = "22222222-2222-5222-8222-222222222222";
export const webhookPath = `/webhooks/slack/${accountId}`;
/** Of the bus alone. */
export const bareSubject = "bench.bus";
export const shardCount = 2;

export async function prepareBus(nats: NatsConnection): Promise<void> {
  const manager = await nats.jetstreamManager();
  await manager.streams.add({ name: streams.ingress.name, subjects: [...streams.ingress.subjects], allow_direct: true });
  await manager.streams.add({ name: "BENCH", subjects: [bareSubject] });
  const kv = await nats.jetstream().views.kv(buckets.directory.name, { history: 1 });
  const sealer = sealerOf(testSealingKeys, randomOf(globalThis.crypto));
  const route = accountRoute("slack", accountId);
  const account = create(DirectoryAccountSchema, {
    tenantId: "11111111-1111-5111-8111-111111111111",
    accountId,
    channelType: "slack",
    externalId: "T01",
    homeRegion: "local",
    shardCount,
    generation: 1n,
  });
  const secrets = [create(DirectorySecretSchema, { scheme: "slack-v0", value: signingSecret, accountId })];
  await kv.put(
    directoryKeyOf(route),
    await sealDirectoryValue(sealer, create(DirectoryValueSchema, { version: 1, route, rowVersion: 1n, account, secrets })),
  );
  await kv.put(
    snapshotKey,
    await sealDirectorySnapshot(
      sealer,
      create(DirectorySnapshotSchema, { version: 1, completedAt: timestampFromMs(Date.now()), entries: 1n, revision: 1n }),
    ),
  );
}
