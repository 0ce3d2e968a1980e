import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startPostgres } from "./postgres.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mio-postgres-test-"));
  await chmod(folder, 0o711);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function query(dsn: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: dsn });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

it("keeps what was committed over kill -9 and a new start on the same data", async () => {
  const dataDir = join(folder, "kept");
  {
    await using postgres = await startPostgres({ dataDir });
    await query(postgres.dsn, "create table t (n int); insert into t values (1)");
    await postgres.kill();
    await postgres.restart();
    expect(await query(postgres.dsn, "select n from t")).toEqual([{ n: 1 }]);
    await postgres.kill();
  }
  await writeFile(join(dataDir, "cluster", "postmaster.pid"), `${process.pid}\n`);
  await using again = await startPostgres({ dataDir, fsync: false });
  expect(await query(again.dsn, "select n from t")).toEqual([{ n: 1 }]);
});

it.runIf(process.getuid?.() === 0)("runs for root in a folder that only root can enter", async () => {
  const closed = join(folder, "closed");
  await mkdir(closed, { mode: 0o700 });
  await chown(closed, 0, 0);
  await using postgres = await startPostgres({ dataDir: join(closed, "data"), fsync: false });
  expect(await query(postgres.dsn, "select 1 as one")).toEqual([{ one: 1 }]);
});

it("lets in nobody without the password", async () => {
  await using postgres = await startPostgres({ dataDir: join(folder, "closed-door"), fsync: false });
  const stranger = new URL(postgres.dsn);
  stranger.password = "wrong";
  await expect(query(stranger.href, "select 1")).rejects.toThrow(/password/);
});
