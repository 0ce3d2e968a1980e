import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { testControl } from "@mio/proving/kit/database/secrets.ts";
import { Pool } from "pg";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { moveAccount } from "../accounts/move.ts";
import { createAccount, disableAccount, listAccounts, updateAccount } from "../accounts/operation.ts";
import { rotateSecret } from "../accounts/rotate-secret.ts";
import { createTenant, listTenants } from "../tenants/operation.ts";
import { listAudit, parseHead, verifyAudit } from "./operation.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 8 });
db.on("error", () => {});
const by = testControl(db);
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

/** As whoever owns the database, or its files. */
async function behindItsBack(sql: string): Promise<void> {
  await db.query("alter table audit disable trigger audit_stays");
  await db.query(sql);
  await db.query("alter table audit enable trigger audit_stays");
}

beforeEach(() => behindItsBack("truncate audit, account_secrets, accounts, tenants, installs"));

const wanted = {
  tenant: "acme",
  channelType: "alpha",
  externalId: "W1",
  displayName: "Private Name",
  settings: { bot: "private-setting" },
  verification: [{ scheme: "hmac", value: "private-secret" }],
  credential: "private-token",
};

async function someChanges(): Promise<void> {
  await createTenant(by, "acme", "Private Tenant");
  const { account } = await createAccount(by, wanted, ["alpha"]);
  await updateAccount(by, account.id, { ratePerSecond: 3 });
  await rotateSecret(by, account.id, { scheme: "hmac", value: "private-other" }, 1_000);
  await disableAccount(by, account.id);
}

describe("the audit", () => {
  it("says who changed which fields of what, and holds no text and no value", async () => {
    await someChanges();
    const rows = await listAudit(db, 50);
    expect(rows.map(({ noun, verb, fields }) => [`${noun} ${verb}`, ...fields]).reverse()).toEqual([
      ["tenant create", "slug", "display_name"],
      ["account create", "display_name", "verification", "credential", "settings.bot"],
      ["account update", "rate_limit_per_second"],
      ["account rotate_secret", "verification"],
      ["account disable"],
    ]);
    const [account] = await listAccounts(db);
    for (const row of rows) expect(row).toMatchObject({ actor_kind: "cli", actor_id: "test", tenant_id: account?.tenant_id });
    expect(rows.slice(0, 4).every(({ account_id }) => account_id === account?.id)).toBe(true);
    expect(JSON.stringify(rows)).not.toMatch(/private/i);
  });

  it("has no row for what changed nothing", async () => {
    await someChanges();
    const before = await listAudit(db, 50);
    await createTenant(by, "acme", "Private Tenant");
    const [account] = await listAccounts(db);
    await disableAccount(by, account?.id ?? "");
    await updateAccount(by, account?.id ?? "", { ratePerSecond: 3 });
    expect(await listAudit(db, 50)).toEqual(before);
  });

  it("names of what was given only what was not so before", async () => {
    await createTenant(by, "acme");
    const { account } = await createAccount(by, wanted, ["alpha"]);
    const settings = { ...wanted.settings, other: "private-new" };
    await updateAccount(by, account.id, { displayName: wanted.displayName, settings, ratePerSecond: 3 });
    await updateAccount(by, account.id, { displayName: "Private New", settings, ratePerSecond: 3 });
    await moveAccount(by, account.id, { region: account.home_region, shards: 7 });
    await moveAccount(by, account.id, { region: "eu", shards: 7 });
    expect((await listAudit(db, 4)).map(({ fields }) => fields).reverse()).toEqual([
      ["rate_limit_per_second", "settings.other"],
      ["display_name"],
      ["shard_count"],
      ["home_region"],
    ]);
  });

  it("G11: has no row of a change that was given up, and no change is there without its row", async () => {
    await createTenant(by, "acme");
    await createAccount(by, wanted, ["alpha"]);
    await createTenant(by, "rival");
    const before = await listAudit(db, 50);
    await expect(createAccount(by, { ...wanted, tenant: "rival" }, ["alpha"])).rejects.toMatchObject({ code: "exists" });
    expect(await listAudit(db, 50)).toEqual(before);
    await db.query("alter table audit add constraint full_disk check (sequence < 0) not valid");
    await expect(createTenant(by, "third")).rejects.toThrow(/full_disk/);
    await db.query("alter table audit drop constraint full_disk");
    expect((await listTenants(db)).map(({ slug }) => slug)).toEqual(["acme", "rival"]);
  });

  it("is one chain also when many change something at once", async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => createTenant(by, `tenant-${index}`)));
    expect(await verifyAudit(db)).toMatchObject({ kind: "whole", head: { sequence: 40 } });
  });

  it("refuses to change or remove a row, to whoever owns the table as well", async () => {
    await someChanges();
    for (const sql of ["update audit set verb = 'x'", "delete from audit", "truncate audit"])
      await expect(db.query(sql), sql).rejects.toThrow(/never changed or removed/);
  });
});

describe("its chain", () => {
  it("is whole over what was written, page by page", async () => {
    expect(await verifyAudit(db)).toMatchObject({ kind: "whole", head: { sequence: 0 } });
    await someChanges();
    const whole = await verifyAudit(db);
    expect(whole).toMatchObject({ kind: "whole", head: { sequence: 5 } });
  });

  it("G11: breaks at a row that was changed, removed or moved, whichever of its columns it is", async () => {
    await someChanges();
    const columns = ["actor_kind", "actor_id", "noun", "verb", "tenant_id", "account_id", "subject_id"].map(
      (column) => `${column} = ${column} || '.'`,
    );
    for (const set of [...columns, "at = at + interval '1 millisecond'", "fields = fields || '{x}'", "hash = sha256(hash)"]) {
      const { rows } = await db.query("select * from audit where sequence = 3");
      await behindItsBack(`update audit set ${set} where sequence = 3`);
      expect(await verifyAudit(db), set).toEqual({ kind: "broken", sequence: 3, reason: "not_its_hash" });
      await behindItsBack("delete from audit where sequence = 3");
      expect(await verifyAudit(db), set).toEqual({ kind: "broken", sequence: 3, reason: "missing" });
      const [row] = rows;
      const names = Object.keys(row);
      await db.query(`insert into audit (${names}) values (${names.map((_, at) => `$${at + 1}`)})`, Object.values(row));
      expect(await verifyAudit(db), set).toMatchObject({ kind: "whole" });
    }
    // Two that change places.
    await behindItsBack("update audit set sequence = case sequence when 2 then 1002 else 2 end where sequence in (2, 4)");
    await behindItsBack("update audit set sequence = 4 where sequence = 1002");
    expect(await verifyAudit(db)).toEqual({ kind: "broken", sequence: 2, reason: "not_its_hash" });
  });

  it("shows a tail that was cut off, and a chain that was made anew, to whoever noted a head before", async () => {
    await someChanges();
    const noted = await verifyAudit(db);
    if (noted.kind !== "whole") throw new Error("the chain is not whole");
    const head = parseHead(`${noted.head.sequence}:${noted.head.hash}`);
    await createTenant(by, "later");
    expect(await verifyAudit(db, head)).toMatchObject({ kind: "whole", head: { sequence: 6 } });
    await behindItsBack("delete from audit where sequence > 3");
    expect(await verifyAudit(db)).toMatchObject({ kind: "whole", head: { sequence: 3 } });
    expect(await verifyAudit(db, head)).toEqual({ kind: "other_head", sequence: 5 });
    for (const tenant of ["a", "b", "c"]) await createTenant(by, tenant);
    expect(await verifyAudit(db, head)).toEqual({ kind: "other_head", sequence: 5 });
    expect(() => parseHead("5")).toThrow(/a head is like/);
  });
});
