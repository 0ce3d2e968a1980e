// `mio tenant`: who uses the gateway.
import { Command } from "commander";
import { createTenant, listTenants, type Tenant } from "../control/tenants/operation.ts";
import { withDatabase } from "./connection.ts";
import { print } from "./output.ts";

/** May be repeated: what is there already is not changed. */
export function tenantCommand(): Command {
  const tenant = new Command("tenant").description("Tenants: who uses the gateway.");
  tenant
    .command("create <slug>")
    .description("Creates a tenant; the same command again changes nothing.")
    .option("--display-name <name>", "name for people; the slug when left out")
    .action(async (slug: string, options: { displayName?: string }, command: Command) => {
      const { tenant: made, created } = await withDatabase(command, (control) =>
        createTenant(control, slug, options.displayName),
      );
      print(command, { ...made, created }, { ...table([made]) });
    });
  tenant
    .command("list")
    .description("Lists tenants.")
    .action(async (_options: unknown, command: Command) => {
      const tenants = await withDatabase(command, ({ db }) => listTenants(db));
      print(command, { tenants }, { ...table(tenants), empty: 'no tenants yet; make one with "mio tenant create <slug>"' });
    });
  return tenant;
}

function table(tenants: readonly Tenant[]) {
  return {
    columns: ["slug", "id", "display_name", "disabled"],
    rows: tenants.map((each) => [each.slug, each.id, each.display_name, each.disabled_at?.toISOString() ?? "-"]),
  };
}
