import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { testControl } from "@mio/proving/kit/database/secrets.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTenant, listTenants } from "../tenants/operation.ts";
import { createAccount, disableAccount, listAccounts, type NewAccount, updateAccount } from "./operation.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 4 });
db.on("error", () => {});
const channels = ["alpha", "beta"];
const wanted = {
  tenant: "acme",
  channelType: "alpha",
  externalId: "W1",
  settings: { bot: "b" },
  verification: [{ scheme: "hmac", value: "s1" }],
  credential: "t1",
};

beforeAll(async () => {
  await createTenant(testControl(db), "acme", "Acme");
});
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

async function everything(): Promise<unknown> {
  const rows = await db.query(
    "select (select jsonb_agg(a order by id) from accounts a) as accounts, (select jsonb_agg(s order by id) from account_secrets s) as secrets",
  );
  return rows.rows;
}

it("creates a tenant once, under an id that comes from its slug", async () => {
  const again = await createTenant(testControl(db), "acme", "Acme");
  expect(again).toMatchObject({ created: false, tenant: { id: tenantIdOf("acme") } });
  expect((await listTenants(db)).map((tenant) => tenant.slug)).toEqual(["acme"]);
  await expect(createTenant(testControl(db), "acme", "Other")).rejects.toMatchObject({ code: "exists" });
  for (const slug of ["", "Acme", "a b", "ümlaut", "x".repeat(64)])
    await expect(createTenant(testControl(db), slug), slug).rejects.toMatchObject({ code: "invalid" });
});

it("changes nothing when the same account is created again, and refuses other details", async () => {
  const first = await createAccount(testControl(db), wanted, channels);
  expect(first.account.id).toBe(accountIdOf(tenantIdOf("acme"), "alpha", "W1"));
  const before = await everything();
  expect((await createAccount(testControl(db), wanted, channels)).created).toBe(false);
  expect(await everything()).toEqual(before);
  const refused: [Partial<NewAccount>, RegExp][] = [
    [{ displayName: "Other", settings: { bot: "c" } }, /other display name, settings: change it with "mio account update"/],
    [{ credential: "t2" }, /other credential: .* name the present one/],
    [{ verification: [{ scheme: "hmac", value: "s2" }] }, /other verification secret: .* name the present one/],
    [{ verification: [{ scheme: "plain", value: "s1" }] }, /other verification secret: /],
    [{ homeRegion: "mars" }, /home region local: name that one, or change it/],
  ];
  for (const [other, expected] of refused) {
    const refusal = createAccount(testControl(db), { ...wanted, ...other }, channels).catch((error: unknown) => String(error));
    expect(await refusal).toMatch(expected);
    if (!("displayName" in other)) expect(await refusal).not.toContain("account update");
  }
  expect(await everything()).toEqual(before);
});

it("says what is wrong with an account that cannot be", async () => {
  await expect(createAccount(testControl(db), { ...wanted, channelType: "gamma" }, channels)).rejects.toThrow(
    /there are alpha, beta/,
  );
  await expect(createAccount(testControl(db), { ...wanted, tenant: "nobody" }, channels)).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(createAccount(testControl(db), { ...wanted, externalId: "" }, channels)).rejects.toMatchObject({
    code: "invalid",
  });
  await expect(createAccount(testControl(db), { ...wanted, externalId: "W9", verification: [] }, channels)).rejects.toThrow(
    /verifies/,
  );
});

it("G11: never gives one workspace to two live accounts", async () => {
  await createTenant(testControl(db), "rival");
  await expect(createAccount(testControl(db), { ...wanted, tenant: "rival" }, channels)).rejects.toThrow(/another live account/);
});

it("draws a new row version for a change, and none for the same change again", async () => {
  const id = accountIdOf(tenantIdOf("acme"), "alpha", "W1");
  const version = async () => (await db.query("select row_version from accounts where id = $1", [id])).rows[0].row_version;
  const first = await version();
  expect((await updateAccount(testControl(db), id, { settings: { url: "http://x" } })).changed).toBe(true);
  const second = await version();
  expect(BigInt(second)).toBeGreaterThan(BigInt(first));
  expect((await updateAccount(testControl(db), id, { settings: { url: "http://x" } })).changed).toBe(false);
  expect(await version()).toBe(second);
  expect((await disableAccount(testControl(db), id)).changed).toBe(true);
  expect((await disableAccount(testControl(db), id)).changed).toBe(false);
  await expect(createAccount(testControl(db), wanted, channels)).rejects.toThrow(/disabled: it cannot be enabled again/);
  expect((await listAccounts(db, "acme"))[0]?.disabled_at).toBeInstanceOf(Date);
  await expect(disableAccount(testControl(db), "no-uuid")).rejects.toMatchObject({ code: "not_found" });
});

it("creates an account once when several ask for it at the same moment", async () => {
  for (let round = 0; round < 40; round += 1) {
    const same = { ...wanted, externalId: `race-${round}` };
    const created = await Promise.all(Array.from({ length: 4 }, () => createAccount(testControl(db), same, channels)));
    expect(created.filter((each) => each.created)).toHaveLength(1);
  }
});
