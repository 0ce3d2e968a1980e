// The key table's days against a real Postgres: made on demand and ahead, dropped when nobody can repeat their events any more.

import { accountId, tenantId } from "@mio/proving/kit/core/ingress.ts";
import { type TestDatabase, testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { conversationIdOf } from "@mio/shared/ids.ts";
import { Pool } from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepKeyDays, keyDayOf } from "./key-days.ts";
import { insertKeys, markPublished, type NewKey, undatedDay, unpublishedKeys } from "./keys.ts";

let database: TestDatabase;
let db: Pool;

beforeEach(async () => {
  database = await testDatabase();
  db = new Pool({ connectionString: database.dsn, max: 8 });
  // The database is dropped while the last connections are still closing.
  db.on("error", () => {});
});

afterEach(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

function key(eventDay: string, sourceMessageId: string, sequence = 1): NewKey {
  const conversationId = conversationIdOf(accountId, "c");
  return {
    eventDay,
    accountId,
    sourceMessageId,
    tenantId,
    channelType: "alpha",
    conversationId,
    conversationExternalId: "c",
    senderExternalId: "U1",
    messageId: conversationId,
    origin: { streamEpochMs: 1, sequence, index: 0 },
  };
}

async function days(): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'ingress_keys'::regclass order by 1",
  );
  return rows.map((row) => row.name);
}

describe("event keys", () => {
  it("say for each key who saw it first and whether it is published", async () => {
    const [a, b] = [key("2026-11-20", "a", 5), key(undatedDay, "b", 6)];
    expect(await insertKeys(db, [a, b])).toMatchObject([
      { origin: a.origin, published: false },
      { origin: b.origin, published: false },
    ]);
    await markPublished(db, [{ ...a, inboundSequence: 9 }]);
    expect(
      await insertKeys(db, [key(undatedDay, "b", 60), key("2026-11-20", "c", 70), key("2026-11-20", "a", 50)]),
    ).toMatchObject([
      { origin: b.origin, published: false },
      { origin: { sequence: 70 }, published: false },
      { origin: a.origin, published: true },
    ]);
    expect(await unpublishedKeys(db)).toMatchObject({ rows: 2 });
  });

  it("make a day that many want at once, once", async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => insertKeys(db, [key("2024-02-29", `a${index}`), key("2019-01-01", `b${index}`)])),
    );
    expect((await days()).filter((name) => /2024|2019/.test(name))).toEqual(["ingress_keys_20190101", "ingress_keys_20240229"]);
    expect((await unpublishedKeys(db)).rows).toBe(16);
  });

  it("take the same day for the same text, whenever it comes", () => {
    for (const day of ["2026-11-20", "2000-01-01", "2099-12-31", "2024-02-29"]) expect(keyDayOf(day)).toBe(day);
    for (const day of [
      "",
      "2026-02-30",
      "2026-13-01",
      "1999-12-31",
      "2100-01-01",
      "26-1-1",
      "2026-11-20T00:00:00Z",
      "0001-01-01",
    ])
      expect(keyDayOf(day)).toBe(undatedDay);
  });

  it("are kept for 35 days after their day, and while an old day's events were seen lately", async () => {
    const now = Date.parse("2026-11-20T12:00:00Z");
    await insertKeys(db, [key("2026-10-16", "edge of the window"), key("2026-10-15", "old"), key("2020-05-05", "imported now")]);
    await db.query("update ingress_keys set seen_at = now() - interval '36 days' where source_message_id = 'old'");
    const { dropped } = await keepKeyDays(db, now);
    expect(dropped).toEqual(["ingress_keys_20261015"]);
    expect(await days()).toEqual(
      expect.arrayContaining([
        "ingress_keys_20261016",
        "ingress_keys_20200505",
        "ingress_keys_20261119",
        "ingress_keys_20261123",
      ]),
    );
    expect((await keepKeyDays(db, now)).dropped).toEqual([]);
  });

  it("without a day leave by age, in batches", async () => {
    await insertKeys(
      db,
      Array.from({ length: 6_000 }, (_, index) => key(undatedDay, `u${index}`)),
    );
    await db.query("update ingress_keys set seen_at = now() - interval '36 days' where source_message_id <> 'u1'");
    expect((await keepKeyDays(db, Date.now())).undatedDeleted).toBe(5_999);
    expect((await unpublishedKeys(db)).rows).toBe(1);
  });
});
