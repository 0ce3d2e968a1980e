// How the command line answers: a table for people, one JSON value for programs.
import type { Command } from "commander";

/** Prints rows as aligned columns, or `value` as JSON when `--json` was given. */
export function print(
  command: Command,
  value: unknown,
  table: { columns: readonly string[]; rows: readonly (readonly string[])[]; empty?: string },
): void {
  if (command.optsWithGlobals().json === true) {
    console.log(JSON.stringify(value));
    return;
  }
  if (table.rows.length === 0) {
    console.log(table.empty ?? "nothing");
    return;
  }
  const widths = table.columns.map((column, index) =>
    Math.max(column.length, ...table.rows.map((row) => (row[index] ?? "").length)),
  );
  for (const row of [table.columns, ...table.rows])
    console.log(
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}
