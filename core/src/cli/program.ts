// The words of the `mio` command: its nouns, and what they share.
import { Command } from "commander";
import { accountCommand } from "./account.ts";
import { auditCommand } from "./audit.ts";
import { installCommand } from "./install.ts";
import { keysCommand } from "./keys.ts";
import { migrateCommand } from "./migrate.ts";
import { quarantineCommand } from "./quarantine.ts";
import { statusCommand } from "./status.ts";
import { tenantCommand } from "./tenant.ts";

/** Whoever parses with it gets a CommanderError where others would end the process. */
export function mioProgram(): Command {
  const program = new Command("mio")
    .description("Operates a MIO gateway: tenants, accounts, installs, quarantine, keys, the audit and what runs.")
    .option("--data <folder>", "data folder of a local system", ".mio")
    .option("--json", "print JSON for programs")
    .addHelpText(
      "after",
      "\nMIO_POSTGRES_DSN names the database, MIO_SECRET_KEYS what seals its secrets, MIO_NATS_URL, MIO_NATS_USER and MIO_NATS_PASSWORD the bus, and MIO_CORE_URL core.\nWhere they are not set, those of the local system in the data folder are used.",
    )
    .configureOutput({ outputError: (text, write) => write(withoutValue(text).replace(/^error: /, "mio: ")) });
  for (const command of [
    tenantCommand(),
    accountCommand(),
    installCommand(),
    quarantineCommand(),
    keysCommand(),
    auditCommand(),
    statusCommand(),
    migrateCommand(),
  ])
    program.addCommand(command);
  // A command that is added, not made by its parent, takes over nothing of it.
  for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)])
    command.configureOutput(program.configureOutput()).exitOverride();
  return program;
}

/** Whatever is not asked for may be a secret: an unknown option's name is repeated, and neither what stands behind it nor an argument too many. */
function withoutValue(text: string): string {
  return text
    .replace(/^(error: too many arguments.* but got \d+): .*/s, "$1.\n")
    .replace(/^(error: unknown option ')(.*)(?=')/s, (_all, before: string, given: string) => {
      const [name = "…"] = /^(?:--[a-z][a-z-]*|-[a-z]$)/.exec(given) ?? [];
      return `${before}${name}`;
    });
}
