// The role that services log in with: it does all that they do, and cannot change what was audited.
import { randomBytes } from "node:crypto";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { openedSecrets, testControl, testSecrets } from "@mio/proving/kit/database/secrets.ts";
import { Pool } from "pg";
import { afterAll, expect, it } from "vitest";
import { sealPlainSecrets } from "../accounts/seal-plain.ts";
import { createAccount } from "../control/accounts/operation.ts";
import { verifyAudit } from "../control/audit/operation.ts";
import { createTenant } from "../control/tenants/operation.ts";
import { keepKeyDays } from "../dedup/key-days.ts";
import { grantServices } from "./grant-services.ts";
import { migrate } from "./migrate.ts";

const database = await testDatabase();
const owner = new Pool({ connectionString: database.dsn, max: 2 });
owner.on("error", () => {});
const role = `services_${randomBytes(6).toString("hex")}`;
await owner.query(`create role ${role} login password 'x'`);
await grantServices(database.dsn, role);
await grantServices(database.dsn, role);
const dsn = new URL(database.dsn);
[dsn.username, dsn.password] = [role, "x"];
const services = new Pool({ connectionString: dsn.href, max: 2 });
services.on("error", () => {});
afterAll(async () => {
  await services.end();
  await owner.query(`drop owned by ${role}`);
  await owner.query(`drop role ${role}`);
  await owner.end();
  await database[Symbol.asyncDispose]();
});

it("adds to the audit and reads it, and can neither change it nor take its guard away", async () => {
  const by = testControl(services);
  await createTenant(by, "acme");
  const verification = [{ scheme: "hmac", value: "s" }];
  await createAccount(by, { tenant: "acme", channelType: "alpha", externalId: "W1", verification }, ["alpha"]);
  expect(await verifyAudit(services)).toMatchObject({ kind: "whole", head: { sequence: 2 } });
  for (const sql of [
    "update audit set verb = 'x'",
    "delete from audit",
    "truncate audit",
    "alter table audit disable trigger audit_stays",
    "drop table audit",
    "insert into schema_migrations (name) values ('900_forged.sql')",
  ])
    await expect(services.query(sql), sql).rejects.toThrow(/permission denied|must be owner/);
});

it("seals what an older version left plain, though it may not write the table anew", async () => {
  await owner.query(
    "insert into account_secrets (account_id, purpose, scheme, value) select id, 'verification', 'hmac', 'plain' from accounts",
  );
  expect(await sealPlainSecrets(services, testSecrets(services))).toBe(1);
  expect((await openedSecrets(services)).map(({ value }) => value)).toEqual(["plain", "s"]);
});

it("makes days of keys, reads and drops them, and no other table", async () => {
  const nowMs = Date.now();
  await keepKeyDays(services, nowMs - 100 * 86_400_000);
  expect((await keepKeyDays(services, nowMs)).dropped).toHaveLength(5);
  await expect(services.query("select drop_ingress_day('accounts')")).rejects.toThrow(/no day of keys/);
});

it("alone may make and drop days of keys, beside the owner: no other role of the same server", async () => {
  const stranger = `stranger_${randomBytes(6).toString("hex")}`;
  await owner.query(`create role ${stranger}`);
  const mayRun = "select has_function_privilege($1, oid, 'execute') as may from pg_proc where proname like '%_ingress_day'";
  expect((await owner.query(mayRun, [stranger])).rows).toEqual([{ may: false }, { may: false }]);
  expect((await owner.query(mayRun, [role])).rows).toEqual([{ may: true }, { may: true }]);
  await owner.query(`drop role ${stranger}`);
});

it("has its rights also on what a later migration makes, which only the owner applies", async () => {
  await owner.query("create table made_later (n int)");
  await services.query("insert into made_later values (1)");
  expect(await migrate(database.dsn)).toEqual([]);
  await expect(services.query("create table its_own (n int)")).rejects.toThrow(/permission denied/);
});

it("refuses the owner, who could not migrate any more, and may be given twice at once", async () => {
  const itself = new URL(database.dsn).username;
  await expect(grantServices(database.dsn, itself)).rejects.toThrow(/is the owner.*name another role/);
  await owner.query("insert into schema_migrations (name) values ('900_by_the_owner.sql')");
  await Promise.all([1, 2, 3, 4].map(() => grantServices(database.dsn, role)));
});
