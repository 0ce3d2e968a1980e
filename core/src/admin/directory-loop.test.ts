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
import { connect } from "nats";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAccount, disableAccount } from "./accounts.ts";
import { publishDirectory } from "./directory-loop.ts";
import { createTenant } from "./tenants.ts";

const server = await testNats();
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
  expect(await publishDirectory(nats, db, 0)).toEqual({ routes: 5, written: 5 });
  expect((await read(accountRoute("alpha", one.id)))?.account).toMatchObject({
    accountId: one.id,
    homeRegion: "local",
    shardCount: 2,
  });
  expect((await read(workspaceRoute("alpha", "W2")))?.secrets.map((secret) => secret.value)).toEqual(["s2"]);
  expect((await read(channelRoute("alpha")))?.secrets.map((secret) => secret.value)).toEqual(["s1", "s2"]);
  expect(await (await bucket()).get(snapshotKey)).not.toBeNull();
  expect(await publishDirectory(nats, db, 0)).toEqual({ routes: 5, written: 0 });
});

it("leaves a disabled account's routes as removed, with a version that the edge accepts", async () => {
  const gone = await account("W3", "s3");
  await publishDirectory(nats, db, 0);
  const before = await read(accountRoute("alpha", gone.id));
  await disableAccount(db, gone.id);
  await publishDirectory(nats, db, 0);
  for (const route of [accountRoute("alpha", gone.id), workspaceRoute("alpha", "W3")]) {
    const value = await read(route);
    expect(value).toMatchObject({ removed: true, secrets: [] });
    expect(value?.rowVersion).toBeGreaterThan(before?.rowVersion ?? 0n);
  }
  expect((await read(channelRoute("alpha")))?.secrets.map((secret) => secret.value)).toEqual(["s1", "s2"]);
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
    expect((await publishDirectory(nats, db, 0)).written).toBeGreaterThan(0);
    expect((await read(channelRoute("alpha")))?.secrets).toHaveLength(2);
    expect(await (await bucket()).get(snapshotKey)).not.toBeNull();
  }
});

it("never goes back: a replica that read an older state does not overwrite a newer value", async () => {
  const before = await read(accountRoute("alpha", (await account("W1", "s1")).id));
  await Promise.allSettled([
    publishDirectory(nats, db, 0),
    publishDirectory(nats, db, 0),
    account("W4", "s4").then(() => publishDirectory(nats, db, 0)),
  ]);
  await publishDirectory(nats, db, 0);
  expect((await read(channelRoute("alpha")))?.secrets).toHaveLength(3);
  expect((await read(accountRoute("alpha", before?.account?.accountId ?? "")))?.rowVersion).toBe(before?.rowVersion);
});
