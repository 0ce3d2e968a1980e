import type { DirectoryValue } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { busOf } from "@mio/proving/kit/bus/bus.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testSealingKeys } from "@mio/proving/kit/bus/directory-keys.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { testControl, testSecrets } from "@mio/proving/kit/database/secrets.ts";
import { buckets } from "@mio/shared/bus/names/streams.ts";
import {
  accountRoute,
  channelRoute,
  directoryKeyOf,
  openDirectorySnapshot,
  openDirectoryValue,
  snapshotKey,
  workspaceRoute,
} from "@mio/shared/bus/wire/directory.ts";
import { parseSealingKeys, sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { randomOf } from "@mio/shared/random.ts";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAccount, disableAccount, updateAccount } from "../control/accounts/operation.ts";
import { createTenant } from "../control/tenants/operation.ts";
import { publishDirectory } from "./directory-loop.ts";

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
const nats = await connectTo(server.url);
const bus = busOf(nats, "_INBOX");
const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 4 });
db.on("error", () => {});
const random = randomOf(globalThis.crypto);
const newer = parseSealingKeys(`newer:${Buffer.alloc(32, 1).toString("base64")}`) ?? [];
/** As the tests go on, its key is replaced. */
let sealer = sealerOf(testSealingKeys, random);
const publish = () => publishDirectory(bus, { db, ring: testSecrets(db).ring }, sealer, 0, 1);
const bucket = () => nats.jetstream().views.kv("mio_directory");

async function read(route: string): Promise<DirectoryValue | undefined> {
  const entry = await (await bucket()).get(directoryKeyOf(route));
  const opened = entry && (await openDirectoryValue(sealer, entry.key, entry.value));
  return opened?.kind === "value" ? opened.value : undefined;
}

const account = (externalId: string, secret: string) =>
  createAccount(
    testControl(db),
    { tenant: "acme", channelType: "alpha", externalId, verification: [{ scheme: "hmac", value: secret }] },
    ["alpha"],
  ).then((made) => made.account);

beforeAll(async () => {
  await createTenant(testControl(db), "acme");
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
  expect(await publish()).toEqual({ routes: 5, written: 5, openFailures: 0, refused: [] });
  expect((await read(accountRoute("alpha", one.id)))?.account).toMatchObject({
    accountId: one.id,
    homeRegion: "local",
    shardCount: 2,
  });
  expect((await read(workspaceRoute("alpha", "W2")))?.secrets.map((secret) => secret.value)).toEqual(["s2"]);
  expect((await read(channelRoute("alpha")))?.secrets.map((secret) => secret.value)).toEqual(["s1", "s2"]);
  expect(await (await bucket()).get(snapshotKey)).not.toBeNull();
  expect(await publish()).toEqual({ routes: 5, written: 0, openFailures: 0, refused: [] });
});

it("G11: keeps a disabled account's routes with its secrets and says that it is disabled, with a version that the edge accepts", async () => {
  const gone = await account("W3", "s3");
  await publish();
  const before = await read(accountRoute("alpha", gone.id));
  await disableAccount(testControl(db), gone.id);
  await publish();
  for (const route of [accountRoute("alpha", gone.id), workspaceRoute("alpha", "W3")]) {
    const value = await read(route);
    expect(value).toMatchObject({ removed: false, account: { accountId: gone.id, disabled: true }, secrets: [{ value: "s3" }] });
    expect(value?.rowVersion).toBeGreaterThan(before?.rowVersion ?? 0n);
  }
  expect((await read(channelRoute("alpha")))?.secrets.map((secret) => secret.value)).toEqual(["s1", "s2"]);
});

it("gives the workspace of a disabled account to the live account that has taken it, and keeps the old one's own route", async () => {
  const old = (await account("W5", "s5")).id;
  await disableAccount(testControl(db), old);
  await createTenant(testControl(db), "heir");
  const { account: heir } = await createAccount(
    testControl(db),
    { tenant: "heir", channelType: "alpha", externalId: "W5", verification: [{ scheme: "hmac", value: "s6" }] },
    ["alpha"],
  );
  await publish();
  expect(await read(workspaceRoute("alpha", "W5"))).toMatchObject({
    account: { accountId: heir.id, disabled: false },
    secrets: [{ value: "s6" }],
  });
  expect(await read(accountRoute("alpha", old))).toMatchObject({ account: { disabled: true }, secrets: [{ value: "s5" }] });
  await disableAccount(testControl(db), heir.id);
  await publish();
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
    expect((await publish()).written).toBeGreaterThan(0);
    expect((await read(channelRoute("alpha")))?.secrets).toHaveLength(2);
    expect(await (await bucket()).get(snapshotKey)).not.toBeNull();
  }
  const { config } = await (await nats.jetstreamManager()).streams.info("KV_mio_directory");
  expect(config).toMatchObject(bucketAsProvisioned);
});

it("G11: writes no secret and no id in clear", async () => {
  const kv = await bucket();
  const { id, tenant_id } = await account("W1", "s1");
  for await (const key of await kv.keys()) {
    const stored = Buffer.from((await kv.get(key))?.value ?? []).toString("latin1");
    expect(key).toMatch(/^(snapshot|[0-9a-f]{64})$/);
    for (const clear of ["hmac", "alpha", "webhook", "workspace", id, tenant_id]) expect(stored).not.toContain(clear);
  }
});

it("G11: replaces what was moved under another key, is older, or is a stranger's, the marker as well, and counts it", async () => {
  const kv = await bucket();
  const key = directoryKeyOf(workspaceRoute("alpha", "W1"));
  const [mine, other] = [await kv.get(key), await kv.get(directoryKeyOf(workspaceRoute("alpha", "W2")))];
  const marker = await kv.get(snapshotKey);
  if (!mine || !other || !marker) throw new Error("the bucket is not whole");
  const forged: [string, Uint8Array][] = [
    [key, other.value],
    [key, marker.value],
    [key, mine.value.map((byte, index) => (index === mine.value.length - 1 ? byte ^ 1 : byte))],
    [snapshotKey, new Uint8Array()],
    [snapshotKey, mine.value],
  ];
  for (const [at, value] of forged) {
    await kv.put(at, value);
    expect(await publish()).toMatchObject({ openFailures: 1, written: at === snapshotKey ? 0 : 1 });
    expect((await read(workspaceRoute("alpha", "W1")))?.secrets.map((secret) => secret.value)).toEqual(["s1"]);
    const present = (await kv.get(snapshotKey))?.value ?? new Uint8Array();
    expect((await openDirectorySnapshot(sealer, present)).kind).toBe("snapshot");
  }
  // An old value of the same place opens, and is older.
  await updateAccount(testControl(db), (await account("W1", "s1")).id, { settings: { changed: "yes" } });
  await publish();
  await kv.put(key, mine.value);
  expect(await publish()).toMatchObject({ openFailures: 0, written: 1 });
  expect((await read(workspaceRoute("alpha", "W1")))?.account?.settings).toEqual({ changed: "yes" });
});

it("G11: seals everything anew with a new key once it comes first, and the old one is not needed any more", async () => {
  const before = await read(workspaceRoute("alpha", "W1"));
  const routes = (await publish()).routes;
  // First everybody may open with it, and nothing changes.
  sealer = sealerOf([...testSealingKeys, ...newer], random);
  expect(await publish()).toEqual({ routes, written: 0, openFailures: 0, refused: [] });
  sealer = sealerOf([...newer, ...testSealingKeys], random);
  expect(await publish()).toEqual({ routes, written: routes, openFailures: 0, refused: [] });
  sealer = sealerOf(newer, random);
  expect(await publish()).toEqual({ routes, written: 0, openFailures: 0, refused: [] });
  expect(await read(workspaceRoute("alpha", "W1"))).toEqual(before);
});

it("never goes back: a replica that read an older state does not overwrite a newer value", async () => {
  const before = await read(accountRoute("alpha", (await account("W1", "s1")).id));
  await Promise.allSettled([publish(), publish(), account("W4", "s4").then(() => publish())]);
  await publish();
  expect((await read(channelRoute("alpha")))?.secrets).toHaveLength(3);
  expect((await read(accountRoute("alpha", before?.account?.accountId ?? "")))?.rowVersion).toBe(before?.rowVersion);
});

it("goes on for all others, and with what the edge knows, when an account's secret does not open", async () => {
  const [kept, unknown] = [await account("W8", "s8"), await account("W9", "s9")];
  const reseal = (id: string, keyName: string) =>
    db.query("update account_secrets set key_name = $2 where account_id = $1", [id, keyName]);
  const { sealsWith } = testSecrets(db).ring;
  await reseal(unknown.id, "gone:0");
  await publish();
  await reseal(kept.id, "gone:0");
  await updateAccount(testControl(db), kept.id, { settings: { changed: "yes" } });
  const last = await account("W10", "s10");
  const { refused } = await publish();
  const reason = "it is sealed with the key gone:0, which MIO_SECRET_KEYS does not hold";
  expect(refused).toEqual([kept.id, unknown.id].map((accountId) => ({ accountId, reason })));
  // Its secrets stay, and what else changed of it goes on.
  expect(await read(accountRoute("alpha", kept.id))).toMatchObject({
    secrets: [{ value: "s8" }],
    account: { settings: { changed: "yes" } },
  });
  expect((await read(channelRoute("alpha")))?.secrets.map(({ value }) => value)).toEqual(expect.arrayContaining(["s8", "s10"]));
  expect((await read(accountRoute("alpha", last.id)))?.secrets).toMatchObject([{ value: "s10" }]);
  // Of what the edge never had it learns nothing, rather than that nothing verifies it.
  expect(await read(accountRoute("alpha", unknown.id))).toBeUndefined();
  expect(await publish()).toMatchObject({ written: 0 });
  for (const { id } of [kept, unknown]) await reseal(id, sealsWith);
  expect(await publish()).toMatchObject({ refused: [] });
  expect(await read(accountRoute("alpha", unknown.id))).toMatchObject({ secrets: [{ value: "s9" }] });
});
