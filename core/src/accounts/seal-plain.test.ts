// A database of an older version, whose secrets stood plain: what it held must open afterwards, and stand plain nowhere.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { openedSecrets, testControl, testSecrets } from "@mio/proving/kit/database/secrets.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAccount } from "../control/accounts/operation.ts";
import { createTenant } from "../control/tenants/operation.ts";
import { sealPlainSecrets } from "./seal-plain.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 8 });
db.on("error", () => {});
const by = testControl(db);
const rowsMade = 1_200;

beforeAll(async () => {
  await createTenant(by, "acme");
  const wanted = { tenant: "acme", channelType: "alpha", externalId: "W0", verification: [{ scheme: "hmac", value: "sealed" }] };
  await createAccount(by, wanted, ["alpha"]);
  await db.query(
    `insert into account_secrets (account_id, purpose, scheme, value, not_after)
     select $1, 'verification', 'hmac', 'plain-value-' || n, case when n % 2 = 0 then now() + interval '1 day' end from generate_series(1, $2) n`,
    [accountIdOf(tenantIdOf("acme"), "alpha", "W0"), rowsMade],
  );
});
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

/** The pages of the table, as they lie on the disk. */
async function pages(): Promise<Buffer> {
  await db.query("checkpoint");
  const { rows } = await db.query(
    "select current_setting('data_directory') as folder, pg_relation_filepath('account_secrets') as file",
  );
  return readFile(join(rows[0].folder, rows[0].file));
}

/** What the planner remembers of the table's values. */
async function samples(): Promise<string> {
  return JSON.stringify((await db.query("select * from pg_stats where tablename = 'account_secrets'")).rows);
}

it("G11: seals each once, in batches, whoever starts at the same time, keeps their ends, and leaves no value in any page or sample", async () => {
  expect((await pages()).includes("plain-value-")).toBe(true);
  await db.query("analyze account_secrets");
  expect(await samples()).toContain("plain-value-");
  const reported: number[] = [];
  const report = (sealed: number) => void reported.push(sealed);
  const counts = await Promise.all([1, 2, 3].map(() => sealPlainSecrets(db, testSecrets(db), report)));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rowsMade);
  expect(Math.min(...reported)).toBeLessThanOrEqual(500);
  const opened = await openedSecrets(db);
  const values = opened.map(({ value }) => value);
  expect(values.sort()).toEqual(["sealed", ...Array.from({ length: rowsMade }, (_, at) => `plain-value-${at + 1}`)].sort());
  expect(opened.filter(({ notAfter }) => notAfter !== null)).toHaveLength(rowsMade / 2);
  expect((await pages()).includes("plain-value-")).toBe(false);
  expect(await samples()).not.toContain("plain-value-");
  expect(await sealPlainSecrets(db, testSecrets(db))).toBe(0);
});

it("keeps one of two when an older version writes again what is sealed", async () => {
  const before = await openedSecrets(db);
  await db.query(
    `insert into account_secrets (account_id, purpose, scheme, value)
     select account_id, purpose, scheme, 'sealed' from account_secrets limit 1`,
  );
  expect(await sealPlainSecrets(db, testSecrets(db))).toBe(1);
  expect(await openedSecrets(db)).toEqual(before);
});

it("keeps one of two that an older version wrote while nothing there kept it from writing the same twice", async () => {
  const before = await openedSecrets(db);
  await db.query(
    `insert into account_secrets (account_id, purpose, scheme, value)
     select id, 'verification', 'hmac', 'twice' from accounts, generate_series(1, 2)`,
  );
  expect(await sealPlainSecrets(db, testSecrets(db))).toBe(2);
  const values = (await openedSecrets(db)).map(({ value }) => value);
  expect(values.sort()).toEqual([...before.map(({ value }) => value), "twice"].sort());
});
