// Tenants in Postgres. Creating one twice is creating it once: its id comes from its slug.

import { tenantIdOf } from "@mio/shared/ids.ts";
import type { Pool } from "pg";
import * as v from "valibot";
import { AdminError } from "./admin-error.ts";

const tenantRow = v.object({
  id: v.string(),
  slug: v.string(),
  display_name: v.string(),
  created_at: v.date(),
  disabled_at: v.nullable(v.date()),
});
export type Tenant = v.InferOutput<typeof tenantRow>;

const slugPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
const columns = "id, slug, display_name, created_at, disabled_at";

/** `created` is false when it was there already. Throws AdminError for a bad slug, or for another display name than the present one. */
export async function createTenant(db: Pool, slug: string, displayName?: string): Promise<{ tenant: Tenant; created: boolean }> {
  if (!slugPattern.test(slug)) {
    throw new AdminError(
      "invalid",
      `${JSON.stringify(slug)} is no tenant slug; use lower-case letters, digits and hyphens, at most 63, such as acme`,
    );
  }
  const inserted = await db.query(
    `insert into tenants (id, slug, display_name) values ($1, $2, $3) on conflict (slug) do nothing returning ${columns}`,
    [tenantIdOf(slug), slug, displayName ?? slug],
  );
  if (inserted.rows.length > 0) return { tenant: v.parse(tenantRow, inserted.rows[0]), created: true };
  const tenant = await getTenant(db, slug);
  if (displayName !== undefined && displayName !== tenant.display_name) {
    throw new AdminError("exists", `tenant ${slug} exists with the display name ${JSON.stringify(tenant.display_name)}`);
  }
  return { tenant, created: false };
}

/** Throws AdminError when there is none. */
export async function getTenant(db: Pool, slug: string): Promise<Tenant> {
  const found = await db.query(`select ${columns} from tenants where slug = $1`, [slug]);
  if (found.rows.length === 0)
    throw new AdminError("not_found", `there is no tenant ${JSON.stringify(slug)}; "mio tenant list" shows them`);
  return v.parse(tenantRow, found.rows[0]);
}

/** Disabled ones too. */
export async function listTenants(db: Pool): Promise<Tenant[]> {
  const found = await db.query(`select ${columns} from tenants order by slug`);
  return v.parse(v.array(tenantRow), found.rows);
}
