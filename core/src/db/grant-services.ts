// What services may do in the database when they are not its owner: read and write rows, and of the audit only add and read. Migrations and
// whatever changes tables stay with the owner.
import { Client } from "pg";

/** Tables that services may not change in every way, and what is taken back. */
const less = { audit: "update, delete, truncate", schema_migrations: "insert, update, delete, truncate" };

/** As the owner, after migrations. The role must exist. Idempotent; also for tables that later migrations make. */
export async function grantServices(dsn: string, role: string): Promise<void> {
  const client = new Client({ connectionString: dsn, application_name: "mio-migrate" });
  await client.connect();
  try {
    const { rows } = await client.query<{ schema: string }>("select current_schema() as schema");
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
      ...Object.entries(less).map(([table, rights]) => `revoke ${rights} on ${table} from ${to}`),
    ])
      await client.query(statement);
  } finally {
    await client.end();
  }
}
