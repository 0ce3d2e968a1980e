import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { openedSecrets, testControl } from "@mio/proving/kit/database/secrets.ts";
import { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createTenant } from "../tenants/operation.ts";
import { createAccount } from "./operation.ts";
import { rotateSecret } from "./rotate-secret.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 4 });
db.on("error", () => {});
const hourMs = 3_600_000;
let id: string;
let count = 0;

beforeAll(async () => {
  await createTenant(testControl(db), "acme");
});
beforeEach(async () => {
  count += 1;
  const verification = [
    { scheme: "hmac", value: "old" },
    { scheme: "token", value: "other" },
  ];
  const wanted = { tenant: "acme", channelType: "alpha", externalId: `W${count}`, verification, credential: "old" };
  id = (await createAccount(testControl(db), wanted, ["alpha"])).account.id;
});
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

const rotate = (value: string, overlapMs = 24 * hourMs) =>
  rotateSecret(testControl(db), id, { scheme: "hmac", value }, overlapMs);
const version = async () => String((await db.query("select row_version from accounts where id = $1", [id])).rows[0].row_version);
const rows = async () => (await db.query("select * from account_secrets where account_id = $1 order by id", [id])).rows;

/** Minutes until each secret ends; null for those without an end. */
async function secrets(): Promise<Record<string, number | null>> {
  const minutesUntil = (end: Date) => Math.round((end.getTime() - Date.now()) / 60_000);
  const entries = (await openedSecrets(db, id)).map(({ purpose, scheme, value, notAfter }) => {
    return [`${purpose} ${scheme} ${value}`, notAfter && minutesUntil(notAfter)] as const;
  });
  return Object.fromEntries(entries);
}

const untouched = { "verification token other": null, "credential token old": null };

it("G11: lets the old secret live for the overlap beside the new one, and touches no other scheme or purpose", async () => {
  const before = await version();
  const rotated = await rotate("new");
  expect(rotated).toMatchObject({ changed: true, account: { id } });
  expect(rotated.secrets.map(({ scheme, not_after }) => [scheme, not_after !== null])).toEqual([
    ["hmac", false],
    ["token", false],
    ["hmac", true],
  ]);
  expect(JSON.stringify(rotated)).not.toMatch(/"(new|old)"/);
  expect(await secrets()).toEqual({ ...untouched, "verification hmac old": 24 * 60, "verification hmac new": null });
  expect(BigInt(await version())).toBeGreaterThan(BigInt(before));
});

it("changes nothing when the same secret is rotated to again, whenever that is", async () => {
  await rotate("new");
  const [versionBefore, rowsBefore] = [await version(), await rows()];
  for (const overlapMs of [24 * hourMs, 48 * hourMs]) expect((await rotate("new", overlapMs)).changed).toBe(false);
  expect([await version(), await rows()]).toEqual([versionBefore, rowsBefore]);
});

it("goes on to a third secret and back to the first", async () => {
  const [old, middle, last] = ["verification hmac old", "verification hmac new", "verification hmac newest"];
  await rotate("new");
  await rotate("newest", hourMs);
  // Each old one keeps the earlier end.
  expect(await secrets()).toEqual({ ...untouched, [old]: 60, [middle]: 60, [last]: null });
  expect((await rotate("old", 2 * hourMs)).changed).toBe(true);
  expect(await secrets()).toEqual({ ...untouched, [old]: null, [middle]: 60, [last]: 120 });
});

it("G11: ends a leaked secret at once with an overlap of nothing, also in the middle of an overlap", async () => {
  await rotate("new");
  const rotated = await rotate("new", 0);
  expect(rotated.changed).toBe(true);
  expect(rotated.secrets).toEqual([
    { scheme: "hmac", not_after: null },
    { scheme: "token", not_after: null },
  ]);
  expect((await rotate("new", 0)).changed).toBe(false);
});

it("keeps one end for the old secret when several rotate at once", async () => {
  const rotations = await Promise.all(Array.from({ length: 12 }, () => rotate("new")));
  expect(rotations.filter(({ changed }) => changed)).toHaveLength(1);
  expect(await secrets()).toEqual({ ...untouched, "verification hmac old": 24 * 60, "verification hmac new": null });
});

it("says what is wrong with a rotation that cannot be", async () => {
  await expect(rotate("")).rejects.toMatchObject({ code: "invalid" });
  await expect(rotateSecret(testControl(db), id, { scheme: "", value: "x" }, 0)).rejects.toMatchObject({ code: "invalid" });
  for (const overlapMs of [-1, Number.NaN, 31 * 24 * hourMs])
    await expect(rotate("new", overlapMs)).rejects.toThrow(/from 0s to 30d/);
  await expect(rotateSecret(testControl(db), "nobody", { scheme: "hmac", value: "x" }, 0)).rejects.toMatchObject({
    code: "not_found",
  });
  expect(await secrets()).toEqual({ ...untouched, "verification hmac old": null });
});
