// What services may do in the database when they are not its owner: read and write rows, and of the audit only add and read. Migrations and
// whatever changes tables stay with the owner.
import { Client } from "pg";
import { inTransactionOf } from "./in-transaction.ts";
import { migrationLockKey } from "./migrate.ts";

/** Tables that services may not change in every way, and what is taken back. */
const less = { audit: "update, delete, truncate", schema_migrations: "insert, update, delete, truncate" };
/** They do with the owner's rights what services may not: nobody else on the server may call them. */
const ownersFunctions = "ensure_ingress_day(date), drop_ingress_day(text)";

/**
 * As the owner, after migrations. All of it at once, so that the role has at no moment what is taken back. Idempotent; also for tables that
 * later migrations make. Rejects for a role that there is not, and for the owner itself, which would shut itself out.
 */
export async function grantServices(dsn: string, role: string): Promise<void> {
  const client = new Client({ connectionString: dsn, application_name: "mio-migrate" });
  await client.connect();
  try {
    await inTransactionOf(client, () => grant(client, role));
  } finally {
    await client.end();
  }
}

async function grant(client: Client, role: string): Promise<void> {
  // Two grants at once would fail at each other's row of the catalogue.
  await client.query("select pg_advisory_xact_lock($1)", [migrationLockKey]);
  const { rows } = await client.query<{ schema: string; itself: boolean }>(
    "select current_schema() as schema, current_user = $1 as itself",
    [role],
  );
  if (rows[0]?.itself) throw new Error(`${role} is the owner, who migrates; name another role, which services log in with`);
  const schema = client.escapeIdentifier(rows[0]?.schema ?? "public");
  const to = client.escapeIdentifier(role);
  const tables = "select, insert, update, delete on";
  const sequences = "usage, select, update on";
  for (const statement of [
    `grant usage on schema ${schema} to ${to}`,
    `grant ${tables} all tables in schema ${schema} to ${to}`,
    `grant ${sequences} all sequences in schema ${schema} to ${to}`,
    `alter default privileges in schema ${schema} grant ${tables} tables to ${to}`,
    `alter default privileges in schema ${schema} grant ${sequences} sequences to ${to}`,
    `revoke execute on function ${ownersFunctions} from public`,
    `grant execute on function ${ownersFunctions} to ${to}`,
    ...Object.entries(less).map(([table, rights]) => `revoke ${rights} on ${table} from ${to}`),
  ])
    await client.query(statement);
}
