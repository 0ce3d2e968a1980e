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
  const rows = table.rows.map((row) => row.map((cell) => printable(cell, "one_line")));
  const widths = table.columns.map((column, index) =>
    rows.reduce((width, row) => Math.max(width, (row[index] ?? "").length), column.length),
  );
  for (const row of [table.columns, ...rows])
    console.log(
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

/** What others wrote, safe for a terminal: control characters, and those that turn the direction of text, are shown as their number. */
export function printable(text: string, keep: "lines" | "one_line"): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) =>
    keep === "lines" && (character === "\n" || character === "\t")
      ? character
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
