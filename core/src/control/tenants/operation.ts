// Tenants. Creating one twice is creating it once: its id comes from its slug.

import { tenantIdOf } from "@mio/shared/ids.ts";
import type { Pool } from "pg";
import { insertTenant, selectTenant, selectTenants, type Tenant } from "../../accounts/tenants.ts";
import { AdminError } from "../admin-error.ts";
import { type Control, changing } from "../control.ts";

export type { Tenant } from "../../accounts/tenants.ts";

const slugPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** `created` is false when it was there already. Throws AdminError for a bad slug, or for another display name than the present one. */
export async function createTenant(
  control: Pick<Control, "db" | "actor">,
  slug: string,
  displayName?: string,
): Promise<{ tenant: Tenant; created: boolean }> {
  if (!slugPattern.test(slug)) {
    throw new AdminError(
      "invalid",
      `${JSON.stringify(slug)} is no tenant slug; use lower-case letters, digits and hyphens, at most 63, such as acme`,
    );
  }
  const id = tenantIdOf(slug);
  const inserted = await changing(control, async (client, note) => {
    const made = await insertTenant(client, { id, slug, displayName: displayName ?? slug });
    if (made) note({ noun: "tenant", verb: "create", tenantId: id, subjectId: id, fields: ["slug", "display_name"] });
    return made;
  });
  if (inserted) return { tenant: inserted, created: true };
  const tenant = await getTenant(control.db, slug);
  if (displayName !== undefined && displayName !== tenant.display_name) {
    throw new AdminError("exists", `tenant ${slug} exists with the display name ${JSON.stringify(tenant.display_name)}`);
  }
  return { tenant, created: false };
}

/** Throws AdminError when there is none. */
export async function getTenant(db: Pool, slug: string): Promise<Tenant> {
  const tenant = await selectTenant(db, slug);
  if (!tenant) throw new AdminError("not_found", `there is no tenant ${JSON.stringify(slug)}; "mio tenant list" shows them`);
  return tenant;
}

/** Disabled ones too. */
export async function listTenants(db: Pool): Promise<Tenant[]> {
  return selectTenants(db);
}
