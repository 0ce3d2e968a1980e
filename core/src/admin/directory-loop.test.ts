import { testNats } from "@mio/local/testing/nats.ts";
import { testDatabase } from "@mio/local/testing/postgres.ts";
import type { DirectoryValue } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import {
  accountRoute,
  channelRoute,
  decodeDirectoryValue,
  directoryKeyOf,
  snapshotKey,
  workspaceRoute,
} from "@mio/shared/bus/directory.ts";
import { buckets } from "@mio/shared/bus/streams.ts";
import { connect } from "nats";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAccount, disableAccount } from "./accounts.ts";
import { publishDirectory } from "./directory-loop.ts";
import { createTenant } from "./tenants.ts";

const server = await testNats();
const bucketAsProvisioned = {
  allow_direct: true,
  allow_rollup_hdrs: true,
  deny_delete: true,
  discard: "new",
  max_bytes: buckets.directory.maxBytes,
  max_msg_size: buckets.directory.maxValueBytes,
  max_msgs_per_subject: 1,
};
const nats = await connect({ servers: server.url });
const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 4 });
const bucket = () => nats.jetstream().views.kv("mio_directory");

async function read(route: string): Promise<DirectoryValue | undefined> {
  const entry = await (await bucket()).get(directoryKeyOf(route));
  const decoded = entry && decodeDirectoryValue(entry.value);
  return decoded?.kind === "value" ? decoded.value : undefined;
}

const account = (externalId: string, secret: string) =>
  createAccount(db, { tenant: "acme", channelType: "alpha", externalId, verification: [{ scheme: "hmac", value: secret }] }, [
    "alpha",
  ]).then((made) => made.account);

beforeAll(async () => {
  await createTenant(db, "acme");
});
afterAll(async () => {
  await nats.close();
  await db.end();
  await server.stop();
  await database[Symbol.asyncDispose]();
});

it("gives the edge each account's route, its workspace's, and the shared one, then writes nothing again", async () => {
  const one = await account("W1", "s1");
  await account("W2", "s2");
  expect(await publishDirectory(nats, db, 0, 1)).toEqual({ routes: 5, written: 5 });
  expect((await read(accountRoute("alpha", one.id)))?.account).toMatchObject({
    accountId: one.id,
    homeRegion: "local",
    shardCount: 2,
  });
  expect((await read(workspaceRoute("alpha", "W2")))?.secrets.map((secret) => secret.value)).toEqual(["s2"]);
  expect((await read(channelRoute("alpha")))?.secrets.map((secret) => secret.value)).toEqual(["s1", "s2"]);
  expect(await (await bucket()).get(snapshotKey)).not.toBeNull();
  expect(await publishDirectory(nats, db, 0, 1)).toEqual({ routes: 5, written: 0 });
});

it("G11: keeps a disabled account's routes with its secrets and says that it is disabled, with a version that the edge accepts", async () => {
  const gone = await account("W3", "s3");
  await publishDirectory(nats, db, 0, 1);
  const before = await read(accountRoute("alpha", gone.id));
  await disableAccount(db, gone.id);
  await publishDirectory(nats, db, 0, 1);
  for (const route of [accountRoute("alpha", gone.id), workspaceRoute("alpha", "W3")]) {
    const value = await read(route);
    expect(value).toMatchObject({ removed: false, account: { accountId: gone.id, disabled: true }, secrets: [{ value: "s3" }] });
    expect(value?.rowVersion).toBeGreaterThan(before?.rowVersion ?? 0n);
  }
  expect((await read(channelRoute("alpha")))?.secrets.map((secret) => secret.value)).toEqual(["s1", "s2"]);
});

it("gives the workspace of a disabled account to the live account that has taken it, and keeps the old one's own route", async () => {
  const old = (await account("W5", "s5")).id;
  await disableAccount(db, old);
  await createTenant(db, "heir");
  const { account: heir } = await createAccount(
    db,
    { tenant: "heir", channelType: "alpha", externalId: "W5", verification: [{ scheme: "hmac", value: "s6" }] },
    ["alpha"],
  );
  await publishDirectory(nats, db, 0, 1);
  expect(await read(workspaceRoute("alpha", "W5"))).toMatchObject({
    account: { accountId: heir.id, disabled: false },
    secrets: [{ value: "s6" }],
  });
  expect(await read(accountRoute("alpha", old))).toMatchObject({ account: { disabled: true }, secrets: [{ value: "s5" }] });
  await disableAccount(db, heir.id);
  await publishDirectory(nats, db, 0, 1);
});

it("G2: makes the bucket whole again after somebody emptied, deleted from, wrote nonsense into or removed it", async () => {
  const kv = await bucket();
  const key = directoryKeyOf(channelRoute("alpha"));
  const ways = [
    async () => void (await (await nats.jetstreamManager()).streams.purge("KV_mio_directory")),
    () => kv.delete(key),
    () => kv.purge(key),
    async () => void (await kv.put(key, new Uint8Array([255, 1, 2]))),
    async () => void (await kv.destroy()),
  ];
  for (const way of ways) {
    await way();
    expect((await publishDirectory(nats, db, 0, 1)).written).toBeGreaterThan(0);
    expect((await read(channelRoute("alpha")))?.secrets).toHaveLength(2);
    expect(await (await bucket()).get(snapshotKey)).not.toBeNull();
  }
  const { config } = await (await nats.jetstreamManager()).streams.info("KV_mio_directory");
  expect(config).toMatchObject(bucketAsProvisioned);
});

it("never goes back: a replica that read an older state does not overwrite a newer value", async () => {
  const before = await read(accountRoute("alpha", (await account("W1", "s1")).id));
  await Promise.allSettled([
    publishDirectory(nats, db, 0, 1),
    publishDirectory(nats, db, 0, 1),
    account("W4", "s4").then(() => publishDirectory(nats, db, 0, 1)),
  ]);
  await publishDirectory(nats, db, 0, 1);
  expect((await read(channelRoute("alpha")))?.secrets).toHaveLength(3);
  expect((await read(accountRoute("alpha", before?.account?.accountId ?? "")))?.rowVersion).toBe(before?.rowVersion);
});
