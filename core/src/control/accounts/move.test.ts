// An account's layout as it changes: what stands in the directory for the edge, when a move is over, and what cannot be.

import { type Closing as ClosingMarker, noteClosing } from "@mio/proving/kit/core/closings.ts";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { testControl, testSecrets } from "@mio/proving/kit/database/secrets.ts";
import { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { accountsForDirectory } from "../../accounts/for-directory.ts";
import { closedBy } from "../../accounts/layouts.ts";
import { directoryValuesOf } from "../../directory/directory-values.ts";
import { createTenant } from "../tenants/operation.ts";
import { cancelMove, moveAccount, readMove } from "./move.ts";
import { createAccount } from "./operation.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 4 });
db.on("error", () => {});
let id: string;
let made = 0;

beforeAll(async () => {
  await createTenant(testControl(db), "acme");
});
beforeEach(async () => {
  made += 1;
  const wanted = { tenant: "acme", channelType: "alpha", externalId: `W${made}`, homeRegion: "eu" };
  id = (await createAccount(testControl(db), { ...wanted, verification: [{ scheme: "hmac", value: "s1" }] }, ["alpha"])).account
    .id;
});
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

/** An edge brought something of the account. */
const seen = (edge: string) => db.query("insert into account_edges (account_id, edge) values ($1, $2)", [id, edge]);
const closed = async (edge: string, ...shards: string[]) => {
  for (const each of shards) await noteClosing(db, id, edge, each);
};
/** What the edge is told. */
const published = async () => {
  const values = [...directoryValuesOf(await accountsForDirectory(db, testSecrets(db).ring)).values()];
  const value = values.find(({ account }) => account?.accountId === id);
  if (!value?.account) throw new Error("the account is not in the directory");
  const { homeRegion, shardCount, generation: layoutVersion, previous, closedBy: edges } = value.account;
  return {
    layout: `${homeRegion} x ${shardCount}`,
    layoutVersion: Number(layoutVersion),
    previous: previous.map((each) => `${each.homeRegion} x ${each.shardCount}`),
    closedBy: edges,
    version: value.rowVersion,
  };
};
const waitsFor = async () =>
  (await readMove(db, { id })).waits_for.map(({ edge, region, shard }) => `${edge}: ${region}.${shard}`);

describe("moving an account", () => {
  it("tells the edge the new layout and the one before; the same again changes nothing", async () => {
    const before = await published();
    expect(before).toMatchObject({ layout: "eu x 2", layoutVersion: 1, previous: [], closedBy: [] });
    expect((await moveAccount(testControl(db), id, { shards: 2 })).changed).toBe(false);
    expect(await published()).toEqual(before);
    const { account, changed } = await moveAccount(testControl(db), id, { shards: 3 });
    expect([changed, account.shard_count, account.home_region]).toEqual([true, 3, "eu"]);
    const after = await published();
    expect(after).toMatchObject({ layout: "eu x 3", layoutVersion: 2, previous: ["eu x 2"], closedBy: [] });
    expect(after.version > before.version).toBe(true);
    expect((await moveAccount(testControl(db), id, { shards: 3, region: "eu" })).changed).toBe(false);
    expect(await published()).toEqual(after);
  });

  it("G4: lets an edge go over when all shards of the older layout are closed there, and no other edge with it", async () => {
    await seen("east");
    await seen("west");
    await moveAccount(testControl(db), id, { region: "us" });
    expect(await waitsFor()).toEqual(["east: eu.0", "east: eu.1", "west: eu.0", "west: eu.1"]);
    await closed("east", "eu.0");
    await closed("west", "eu.1");
    expect((await published()).closedBy).toEqual([]);
    const { version } = await published();
    await closed("east", "eu.1");
    expect((await published()).closedBy).toEqual(["east"]);
    expect((await published()).version > version).toBe(true);
    expect(await waitsFor()).toEqual(["west: eu.0"]);
    await closed("west", "eu.0", "eu.0");
    expect((await published()).closedBy).toEqual(["east", "west"]);
    expect(await waitsFor()).toEqual([]);
  });

  it("G4: a closing marker about an older change of the layout closes nothing of the next", async () => {
    await moveAccount(testControl(db), id, { region: "us" });
    await closed("east", "eu.0");
    await moveAccount(testControl(db), id, { region: "ap" });
    await closed("east", "eu.1", "us.0", "us.1");
    expect((await published()).closedBy).toEqual([]);
    await noteClosing(db, id, "east", "eu.0", 2);
    expect((await published()).closedBy).toEqual([]);
    await closed("east", "eu.0");
    expect((await published()).closedBy).toEqual(["east"]);
  });

  it("is cancelled while it is not over: back to the layout before, and both are closed first", async () => {
    await expect(cancelMove(testControl(db), id)).rejects.toMatchObject({ code: "invalid" });
    await seen("east");
    await moveAccount(testControl(db), id, { region: "us", shards: 3 });
    const { account } = await cancelMove(testControl(db), id);
    expect([account.home_region, account.shard_count]).toEqual(["eu", 2]);
    expect(await published()).toMatchObject({ layout: "eu x 2", layoutVersion: 3, previous: ["eu x 2", "us x 3"] });
    await closed("east", "eu.0", "eu.1", "us.0", "us.1", "us.2");
    expect(await waitsFor()).toEqual([]);
    await expect(cancelMove(testControl(db), id)).rejects.toMatchObject({ message: expect.stringContaining("mio account move") });
  });

  it("refuses what cannot be, and more layouts than can be closed together", async () => {
    for (const to of [{ shards: 0 }, { shards: 1.5 }, { shards: 1_025 }, { region: "" }, { region: "Eu" }, { region: "a.b" }])
      await expect(moveAccount(testControl(db), id, to), JSON.stringify(to)).rejects.toMatchObject({ code: "invalid" });
    await expect(moveAccount(testControl(db), "nobody", { shards: 3 })).rejects.toMatchObject({ code: "not_found" });
    await seen("east");
    for (let shards = 3; shards < 11; shards++) await moveAccount(testControl(db), id, { shards });
    await expect(moveAccount(testControl(db), id, { shards: 11 })).rejects.toMatchObject({
      message: expect.stringContaining("mio account show"),
    });
    await closed("east", ...Array.from({ length: 9 }, (_, shard) => `eu.${shard}`));
    const { move } = await moveAccount(testControl(db), id, { shards: 11 });
    expect(move.previous.map(({ shard_count: shards }) => shards)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("takes a layout for closed only by edges that have closed every shard of it", () => {
    const layouts = [
      { region: "eu", shard_count: 1 },
      { region: "us", shard_count: 2 },
    ];
    const word = (edge: string, region: string, shard: number): ClosingMarker => ({ edge, region, shard });
    expect(closedBy([], [word("a", "eu", 0)])).toEqual([]);
    expect(closedBy(layouts, [word("b", "eu", 0), word("b", "us", 0), word("a", "us", 1), word("a", "eu", 0)])).toEqual([]);
    const all = [word("b", "eu", 0), word("b", "us", 0), word("b", "us", 1)];
    expect(closedBy(layouts, [...all, word("a", "us", 1)])).toEqual(["b"]);
  });
});
