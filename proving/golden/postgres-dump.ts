// A database as one SQL text that any client can run: the schema as the migrations of this commit made it, then every row. Not pg_dump,
// which refuses a server that is newer than itself, and whose text only psql can run.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "pg";
import * as v from "valibot";

const migrations = join(import.meta.dirname, "../../core/src/db/migrations");

const nameRows = v.array(v.object({ name: v.string() }));
const valueRows = v.array(v.object({ values: v.string() }));
const sequenceRows = v.array(v.object({ name: v.string(), last: v.string() }));

export async function dumpOf(client: Client): Promise<string> {
  // Times as the text that means the same wherever the dump is opened.
  await client.query("set timezone = 'UTC'");
  await client.query("set bytea_output = 'hex'");
  const files = (await readdir(migrations)).filter((name) => name.endsWith(".sql")).sort();
  const schema = await Promise.all(files.map((name) => readFile(join(migrations, name), "utf8")));
  const days = await names(
    client,
    "select right(relname, 8) as name from pg_inherits join pg_class on pg_class.oid = inhrelid where relname ~ '^ingress_keys_[0-9]{8}$' order by 1",
  );
  const tables = await names(
    client,
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1",
  );
  const rows: string[] = [];
  for (const table of tables) rows.push(...(await insertsOf(client, table)));
  const found = await client.query(
    "select sequencename as name, last_value::text as last from pg_sequences where schemaname = 'public' and last_value is not null order by 1",
  );
  const sequences = v.parse(sequenceRows, found.rows).map(({ name, last }) => `select setval('${name}', ${last});`);
  return [
    "create table schema_migrations (name text primary key, applied_at timestamptz not null default now());",
    ...schema,
    ...days.map((day) => `select ensure_ingress_day('${day}');`),
    // Rows stand by table here, not in the order of their references.
    "set session_replication_role = replica;",
    ...rows,
    ...sequences,
    "reset session_replication_role;",
    "",
  ].join("\n");
}

/** Every table with its number of rows. */
export async function rowCounts(client: Pick<Client, "query">): Promise<Record<string, number>> {
  const tables = await names(
    client,
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1",
  );
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const { rows } = await client.query(`select count(*)::int as rows from ${table}`);
    counts[table] = v.parse(v.tuple([v.object({ rows: v.number() })]), rows)[0].rows;
  }
  return counts;
}

async function insertsOf(client: Client, table: string): Promise<string[]> {
  const columns = await names(
    client,
    `select attname as name from pg_attribute where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped order by attnum`,
  );
  const values = columns.map((column) => `quote_nullable(${column}::text)`).join(" || ', ' || ");
  const { rows } = await client.query(`select ${values} as values from ${table} order by 1`);
  const into = `insert into ${table} (${columns.join(", ")}) overriding system value values`;
  return v.parse(valueRows, rows).map((row) => `${into} (${row.values});`);
}

async function names(client: Pick<Client, "query">, query: string): Promise<string[]> {
  return v.parse(nameRows, (await client.query(query)).rows).map(({ name }) => name);
}
