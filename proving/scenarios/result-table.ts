// The results as a table for people.
import type { ScenarioResult } from "./result.ts";

export function resultTable(results: readonly ScenarioResult[]): string {
  const columns = ["", "lost", "doubled", "out of order", "slowest webhook", "webhooks", "not 2xx", "no answer", "", "scenario"];
  const rows = results.map((result) => [
    result.key,
    String(result.lost.length),
    String(result.doubled.length),
    String(result.outOfOrder.length),
    `${result.slowestMs} ms`,
    String(result.webhooks),
    String(result.refused),
    String(result.unanswered),
    result.failures.length === 0 ? "pass" : "FAIL",
    result.title,
  ]);
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => (row[index] ?? "").length)));
  const table = [columns, ...rows].map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const failures = results.flatMap(({ key, failures, dataDir }) => [
    ...failures.map((failure) => `${key}: ${failure}`),
    ...(dataDir === undefined ? [] : [`${key}: its logs and data are in ${dataDir}`]),
  ]);
  return [...table, ...failures].join("\n");
}
