// `mio migrate`: brings the database's tables up to date, before services of a new version start.
import { Command } from "commander";
import { migrate } from "../db/migrate.ts";
import { withDatabase } from "./connection.ts";
import { print } from "./output.ts";

/** May be repeated, and beside another one. */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description("Applies the migrations that the database lacks.")
    .action(async (_options: unknown, command: Command) => {
      const applied = await withDatabase(command, (db) => migrate(db.options.connectionString ?? ""));
      print(
        command,
        { applied },
        { columns: ["applied"], rows: applied.map((name) => [name]), empty: "the database is up to date" },
      );
    });
}
