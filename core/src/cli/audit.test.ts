// The audit and the ring of keys, as an operator sees them.
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { type Ended, startMio } from "@mio/proving/kit/core/mio.ts";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { testSecretKeys } from "@mio/proving/kit/database/secrets.ts";
import { Client } from "pg";
import { afterAll, expect, it } from "vitest";

const database = await testDatabase();
const command = startMio();
afterAll(() => command[Symbol.asyncDispose]());
afterAll(() => database[Symbol.asyncDispose]());

const reached = { MIO_POSTGRES_DSN: database.dsn, MIO_SECRET_KEYS: testSecretKeys };

/** `input` is what stands on standard input. */
function mio(words: string[], env: Record<string, string> = reached, input = ""): Promise<Ended> {
  return command.run(words, env, input);
}

it("says who changed what, and finds a row that was changed and an end that was cut off", async () => {
  await mio(["tenant", "create", "audited"]);
  const { rows } = JSON.parse((await mio(["--json", "audit", "list", "--limit", "1"])).stdout);
  expect(rows).toMatchObject([{ actor_kind: "cli", actor_id: userInfo().username, noun: "tenant", verb: "create" }]);
  const whole = JSON.parse((await mio(["--json", "audit", "verify"])).stdout);
  expect(whole).toEqual({ state: "whole", head: `${rows[0].sequence}:${rows[0].hash}` });
  expect((await mio(["audit", "verify", "--expect", whole.head])).code).toBe(0);

  const db = new Client({ connectionString: database.dsn });
  await db.connect();
  await db.query("alter table audit disable trigger audit_stays");
  await db.query("update audit set actor_id = 'somebody else' where sequence = $1", [rows[0].sequence]);
  const changed = await mio(["audit", "verify"]);
  expect([changed.code, changed.stdout]).toEqual([1, expect.stringContaining(`row ${rows[0].sequence} is not what was written`)]);
  await db.query("delete from audit where sequence = $1", [rows[0].sequence]);
  await db.end();
  expect((await mio(["audit", "verify"])).code).toBe(0);
  const cut = await mio(["audit", "verify", "--expect", whole.head]);
  expect([cut.code, cut.stdout]).toEqual([
    1,
    expect.stringContaining(`row ${rows[0].sequence} is not the one that was expected`),
  ]);
});

it("seals all secrets again with the first key, says how many, and once only", async () => {
  const account = ["--tenant", "sealed", "--channel", "slack", "--external-id", "T1", "--verification", "slack-v0=-"];
  await mio(["tenant", "create", "sealed"]);
  expect((await mio(["account", "create", ...account], reached, "s")).code).toBe(0);
  const ring = `newer:${Buffer.alloc(32, 9).toString("base64")},${testSecretKeys}`;
  const rotate = async () => JSON.parse((await mio(["--json", "keys", "rotate"], { ...reached, MIO_SECRET_KEYS: ring })).stdout);
  const first = await rotate();
  expect(first).toMatchObject({ key: expect.stringMatching(/^newer:/), refused: [] });
  expect(first.resealed).toBe(1);
  expect(await rotate()).toEqual({ ...first, resealed: 0 });
  // Without that key nothing opens any more, and the command says which one it lacks.
  const lacking = await mio(["keys", "rotate"]);
  expect([lacking.code, lacking.stderr]).toEqual([1, expect.stringContaining(`sealed with the key ${first.key}, which`)]);
  const back = `${testSecretKeys},newer:${Buffer.alloc(32, 9).toString("base64")}`;
  expect((await mio(["keys", "rotate"], { ...reached, MIO_SECRET_KEYS: back })).code).toBe(0);
});

it("finds the ring of a local system where that system left it, and says how to make one elsewhere", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "mio-cli-"));
  const secretKeys = join(folder.path, "secret-keys");
  await writeFile(secretKeys, `${testSecretKeys}\n`);
  const operator = { user: "operator", password: "x", inbox_prefix: "_INBOX_operator" };
  const local = {
    postgres: database.dsn,
    core: "http://127.0.0.1:1",
    nats: "nats://127.0.0.1:1",
    secret_keys: secretKeys,
    operator,
  };
  await writeFile(join(folder.path, "local.json"), JSON.stringify(local));
  expect((await mio(["--data", folder.path, "keys", "rotate"], {})).stdout).toMatch(/^sealed again +0 secrets, with secrets:/m);
  const without = await mio(["keys", "rotate"], { MIO_POSTGRES_DSN: database.dsn });
  expect(without.stderr).toMatch(/^mio: MIO_SECRET_KEYS is not set; set it like MIO_SECRET_KEYS=key-1:/);
});
