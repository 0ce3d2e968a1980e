// The rows of tenants: who uses the gateway.
import type { Pool } from "pg";
import * as v from "valibot";

const tenantRow = v.object({
  id: v.string(),
  slug: v.string(),
  display_name: v.string(),
  created_at: v.date(),
  disabled_at: v.nullable(v.date()),
});
export type Tenant = v.InferOutput<typeof tenantRow>;

const columns = Object.keys(tenantRow.entries).join(", ");

/** Undefined when it is there already. */
export async function insertTenant(
  db: Pick<Pool, "query">,
  { id, slug, displayName }: { id: string; slug: string; displayName: string },
): Promise<Tenant | undefined> {
  const inserted = await db.query(
    `insert into tenants (id, slug, display_name) values ($1, $2, $3) on conflict (slug) do nothing returning ${columns}`,
    [id, slug, displayName],
  );
  return inserted.rows.length === 0 ? undefined : v.parse(tenantRow, inserted.rows[0]);
}

export async function selectTenant(db: Pick<Pool, "query">, slug: string): Promise<Tenant | undefined> {
  const found = await db.query(`select ${columns} from tenants where slug = $1`, [slug]);
  return found.rows.length === 0 ? undefined : v.parse(tenantRow, found.rows[0]);
}

/** Disabled ones too. */
export async function selectTenants(db: Pick<Pool, "query">): Promise<Tenant[]> {
  const found = await db.query(`select ${columns} from tenants order by slug`);
  return v.parse(v.array(tenantRow), found.rows);
}
