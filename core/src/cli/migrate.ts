// `mio migrate`: brings the database's tables up to date, before services of a new version start.
import { Command } from "commander";
import { grantServices, migrate } from "../control/database/operation.ts";
import { dsnOf, withDatabase } from "./connection.ts";
import { print } from "./output.ts";

/** May be repeated, and beside another one. */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description("Applies the migrations that the database lacks.")
    .option("--services-role <name>", "a role that is there already, for services: it gets what they need, and no more")
    .action(async ({ servicesRole }: { servicesRole?: string }, command: Command) => {
      const dsn = await dsnOf(command);
      const applied = await withDatabase(command, async () => {
        const names = await migrate(dsn);
        if (servicesRole !== undefined) await grantServices(dsn, servicesRole);
        return names;
      });
      print(
        command,
        { applied },
        { columns: ["applied"], rows: applied.map((name) => [name]), empty: "the database is up to date" },
      );
    });
}
