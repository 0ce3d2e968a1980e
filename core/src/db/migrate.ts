// Brings the database's tables up to date: numbered SQL files, each once, in order, under a lock. Its own step (`mio migrate`);
// services never migrate, they refuse to start on an older database.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, type Pool } from "pg";
import { inTransactionOf } from "./in-transaction.ts";

const ourFolder = join(import.meta.dirname, "migrations");
/** Any constant that no other program locks: "mio" in ASCII. */
export const migrationLockKey = 0x6d696f;

/** Applies what is missing and returns the names of the files it applied. Several callers at once are safe: the others wait. */
export async function migrate(dsn: string, folder = ourFolder): Promise<string[]> {
  const client = new Client({ connectionString: dsn, application_name: "mio-migrate" });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [migrationLockKey]);
    await client.query(
      "create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default now())",
    );
    const missing = await missingMigrations(client, folder);
    for (const name of missing) await apply(client, folder, name);
    return missing;
  } finally {
    await client.end();
  }
}

/** Names of the files that this program knows and the database does not have. */
export async function missingMigrations(client: Pick<Client | Pool, "query">, folder = ourFolder): Promise<string[]> {
  const table = await client.query<{ present: boolean }>("select to_regclass('schema_migrations') is not null as present");
  const applied = table.rows[0]?.present ? (await client.query<{ name: string }>("select name from schema_migrations")).rows : [];
  const names = new Set(applied.map((row) => row.name));
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return files.filter((name) => !names.has(name));
}

async function apply(client: Client, folder: string, name: string): Promise<void> {
  const sql = await readFile(join(folder, name), "utf8");
  await inTransactionOf(client, async () => {
    await client.query(sql);
    await client.query("insert into schema_migrations (name) values ($1)", [name]);
  }).catch((error: unknown) => {
    throw new Error(`migration ${name} failed and was rolled back: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
}
