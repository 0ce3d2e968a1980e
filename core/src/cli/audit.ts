// `mio audit`: who changed what, and whether that is what was written.
import { Command } from "commander";
import { listAudit, parseHead, verifyAudit } from "../control/audit/operation.ts";
import { wholeNumber } from "./account.ts";
import { withDatabase } from "./connection.ts";
import { print } from "./output.ts";

const limitDefault = 50;

/** Only reads. */
export function auditCommand(): Command {
  const audit = new Command("audit").description("Audit: who changed what.");
  audit
    .command("list")
    .description("Lists what was done, newest first.")
    .option("--limit <n>", `at most so many (default: ${limitDefault})`, wholeNumber)
    .action(async ({ limit = limitDefault }: { limit?: number }, command: Command) => {
      const rows = await withDatabase(command, ({ db }) => listAudit(db, limit));
      print(
        command,
        { rows },
        {
          columns: ["sequence", "at", "actor", "what", "subject", "fields"],
          rows: rows.map((row) => [
            String(row.sequence),
            row.at.toISOString(),
            `${row.actor_kind}:${row.actor_id}`,
            `${row.noun} ${row.verb}`,
            row.subject_id,
            row.fields.join(" ") || "-",
          ]),
          empty: "nothing was changed yet",
        },
      );
    });
  audit
    .command("verify")
    .description("Follows the chain of hashes: says where a row was changed, removed or moved. Prints its head.")
    .option("--expect <head>", "a head that was printed earlier: without that row the end was cut off, or all made anew")
    .action(async ({ expect }: { expect?: string }, command: Command) => {
      const expected = expect === undefined ? undefined : parseHead(expect);
      const found = await withDatabase(command, ({ db }) => verifyAudit(db, expected));
      if (found.kind !== "whole") process.exitCode = 1;
      const facts =
        found.kind === "whole" ? { state: "whole", head: `${found.head.sequence}:${found.head.hash}` } : broken(found);
      print(command, facts, { columns: ["what", "value"], rows: Object.entries(facts) });
    });
  return audit;
}

function broken(found: Exclude<Awaited<ReturnType<typeof verifyAudit>>, { kind: "whole" }>): Record<string, string> {
  if (found.kind === "other_head") return { state: "broken", why: `row ${found.sequence} is not the one that was expected` };
  const why = found.reason === "missing" ? "is missing" : "is not what was written";
  return { state: "broken", why: `row ${found.sequence} ${why}; nothing is certain from there on` };
}
