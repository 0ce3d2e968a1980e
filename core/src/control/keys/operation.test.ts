import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { openedSecrets } from "@mio/proving/kit/database/secrets.ts";
import type { SealingKey } from "@mio/shared/bus/wire/sealed-value.ts";
import { Pool } from "pg";
import { afterAll, expect, it, vi } from "vitest";
import { createSecretStore } from "../../accounts/secret-store.ts";
import { createAccount } from "../accounts/operation.ts";
import { rotateSecret } from "../accounts/rotate-secret.ts";
import { listAudit } from "../audit/operation.ts";
import type { Control } from "../control.ts";
import { createTenant } from "../tenants/operation.ts";
import { rotateKeys } from "./operation.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 4 });
db.on("error", () => {});
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

const [older, newer, other, latest] = [1, 2, 3, 4].map(
  (fill): SealingKey => ({ id: `k${fill}`, bytes: new Uint8Array(32).fill(fill) }),
);
if (!older || !newer || !other || !latest) throw new Error("four keys were made");

function withKeys(...keys: SealingKey[]): Control {
  return { db, secrets: createSecretStore(db, keys), actor: { kind: "cli", id: "test" } };
}

const accountsMade = 8;
const verifications = 99;
const secretsOfOne = verifications + 2;
const wantedOf = (index: number) => ({
  tenant: "acme",
  channelType: "alpha",
  externalId: `W${index}`,
  verification: [
    ...Array.from({ length: verifications }, (_, at) => ({ scheme: "hmac", value: `verifies-${index}-${at}` })),
    { scheme: "token", value: `token-${index}` },
  ],
  credential: `sends-${index}`,
});

it("seals everything again with the first key, once, so that the other may go, and knows each secret again afterwards", async () => {
  const before = withKeys(older);
  await createTenant(before, "acme");
  for (let index = 0; index < accountsMade; index += 1) await createAccount(before, wantedOf(index), ["alpha"]);
  const values = (await openedSecrets(db, undefined, before.secrets)).map(({ value }) => value);

  // Both are there while services change over; which one stands first decides what seals.
  const both = withKeys(newer, older);
  const reported: number[] = [];
  expect(await rotateKeys(both, (done) => reported.push(done))).toEqual({
    key: both.secrets.ring.sealsWith,
    resealed: accountsMade * secretsOfOne,
    refused: [],
  });
  // In batches, and its row in the transaction of each.
  expect(reported).toEqual([500, accountsMade * secretsOfOne]);
  expect((await listAudit(db, 2)).map(({ noun, verb, subject_id }) => [noun, verb, subject_id])).toEqual(
    Array(2).fill(["keys", "rotate", both.secrets.ring.sealsWith]),
  );
  const audit = await listAudit(db, 1);
  expect((await rotateKeys(both)).resealed).toBe(0);
  expect(await listAudit(db, 1)).toEqual(audit);

  const after = withKeys(newer);
  expect((await openedSecrets(db, undefined, after.secrets)).map(({ value }) => value)).toEqual(values);
  expect(await createAccount(after, wantedOf(7), ["alpha"])).toMatchObject({ created: false });
  await expect(createAccount(after, { ...wantedOf(7), credential: "another" }, ["alpha"])).rejects.toThrow(/other credential/);
  const [row] = (await db.query("select id from accounts where external_id = 'W7'")).rows;
  expect(await rotateSecret(after, row.id, { scheme: "token", value: "token-7" }, 0)).toMatchObject({ changed: false });
});

it("leaves alone what does not open, names its account and key, and goes on with the rest", async () => {
  const lost = await db.query(
    "update account_secrets set key_name = 'gone:0' where account_id = (select id from accounts where external_id = 'W1') returning account_id",
  );
  const [{ account_id: accountId }] = lost.rows;
  const rotated = await rotateKeys(withKeys(other, newer));
  expect(rotated).toMatchObject({
    resealed: (accountsMade - 1) * secretsOfOne,
    refused: Array(secretsOfOne).fill({ accountId, keyName: "gone:0" }),
  });
});

it("says which key the index of secrets lacks", async () => {
  await expect(createAccount(withKeys(older), wantedOf(999), ["alpha"])).rejects.toThrow(
    /index of secrets cannot be used: it is sealed with the key k3:[0-9a-f]{16}, which MIO_SECRET_KEYS does not hold; put that key back/,
  );
});

it("waits for who changes an account's secrets meanwhile, in whatever order", async () => {
  const { rows } = await db.query<{ account_id: string; first: string; last: string }>(
    "select account_id, min(id) as first, max(id) as last from account_secrets group by account_id order by min(id) limit 1",
  );
  const [{ account_id: id, first, last } = { account_id: "", first: "", last: "" }] = rows;
  const touch = "update account_secrets set not_after = not_after where id = $1";
  const client = await db.connect();
  await client.query("begin");
  await client.query("select from accounts where id = $1 for update", [id]);
  await client.query(touch, [last]);
  const rotating = rotateKeys(withKeys(latest, older, newer, other));
  await vi.waitFor(async () => {
    const waiting = await db.query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    expect(waiting.rows).toHaveLength(1);
  });
  await client.query(touch, [first]);
  await client.query("commit");
  client.release();
  expect((await rotating).resealed).toBeGreaterThan(0);
});
