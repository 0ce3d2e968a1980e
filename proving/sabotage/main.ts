// `npm run sabotage`: proves the tests. Breaks a copy of the code on purpose, one guarantee at a time, and names the test that notices.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { copyTree } from "./copy-tree.ts";
import type { Fault } from "./fault.ts";
import { sabotage, type Verdict } from "./sabotage.ts";
import { tables } from "./tables.ts";

const root = join(import.meta.dirname, "../..");

interface Options {
  only?: string[];
  list?: boolean;
  json?: boolean;
  timeout: number;
  copies: number;
}

const program = new Command("sabotage")
  .description("Breaks a copy of the tree on purpose, one fault at a time, and names the guarantee's test that then fails.")
  .option("--only <faults>", "only these, by name, with commas between", (text) => text.split(",").map((each) => each.trim()))
  .option("--list", "print the faults and run nothing")
  .option("--json", "print one JSON value on standard output; progress goes to standard error as always")
  .option("--timeout <seconds>", "for the tests of one fault", wholeNumber, 240)
  .option("--copies <number>", "how many faults are tried side by side, each in a copy of its own", wholeNumber, 2)
  .allowExcessArguments(false)
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "sabotage: ")) });

try {
  program.parse();
  process.exitCode = await main(program.opts<Options>());
} catch (error) {
  if (!(error instanceof CommanderError)) console.error(`sabotage: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof CommanderError ? error.exitCode : 1;
}

async function main(options: Options): Promise<number> {
  const faults = chosen(Object.values(tables).flat(), options.only);
  if (options.list) {
    const rows = faults.map((fault) => [fault.name, guaranteeOf(fault), fault.file, fault.description]);
    console.log(
      options.json ? JSON.stringify(faults.map(summary)) : tableOf(["fault", "guarantee", "file", "what is wrong"], rows),
    );
    return 0;
  }
  const startMs = performance.now();
  const progress = (line: string) =>
    console.error(`[${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s] ${line}`);
  await using copies = new AsyncDisposableStack();
  const roots = await copiesOf(Math.min(options.copies, faults.length), copies);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const tried = await sabotage({ roots, faults, timeoutMs: options.timeout * 1000, progress });
  const verdicts = tried.map(named);
  print(verdicts, options.json === true);
  return verdicts.every((verdict) => verdict.outcome.kind === "caught") ? 0 : 1;
}

/** Ctrl-C goes by way of `exit`, where the tests under way are ended and the copies are removed. */
async function copiesOf(count: number, stack: AsyncDisposableStack): Promise<string[]> {
  const roots: string[] = [];
  process.once("exit", () => {
    for (const each of roots) rmSync(each, { recursive: true, force: true, maxRetries: 3 });
  });
  while (roots.length < count) roots.push(stack.use(await copyTree(root)).root);
  return roots;
}

function chosen(faults: readonly Fault[], only: readonly string[] | undefined): readonly Fault[] {
  const unknown = only?.filter((name) => !faults.some((fault) => fault.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`there is no fault ${unknown.join(", ")}; see --list`);
  return only ? faults.filter((fault) => only.includes(fault.name)) : faults;
}

/** Who looks a promise up by its id must find the test that holds it. */
function named({ fault, outcome }: Verdict): Verdict {
  const guarantee = guaranteeOf(fault);
  if (outcome.kind !== "caught" || outcome.test.name.match(/\bG\d+\b/g)?.includes(guarantee)) return { fault, outcome };
  return { fault, outcome: { kind: "broken", reason: `caught by a test that does not name ${guarantee}: ${outcome.test.name}` } };
}

function print(verdicts: readonly Verdict[], json: boolean): void {
  if (json) {
    console.log(JSON.stringify(verdicts.map(({ fault, outcome }) => ({ ...summary(fault), outcome }))));
    return;
  }
  const rows = verdicts.map(({ fault, outcome }) => [
    fault.name,
    guaranteeOf(fault),
    outcome.kind === "caught" ? `${outcome.test.file}: ${outcome.test.name}` : `${outcome.kind.toUpperCase()}: ${outcome.reason}`,
  ]);
  console.log(tableOf(["fault", "guarantee", "caught by"], rows));
  const caught = verdicts.filter((verdict) => verdict.outcome.kind === "caught").length;
  console.log(`\n${caught} of ${verdicts.length} caught`);
}

function guaranteeOf(fault: Fault): string {
  return Object.keys(tables).find((id) => tables[id]?.includes(fault)) ?? "";
}

function summary(fault: Fault): { name: string; guarantee: string; file: string; description: string } {
  return { name: fault.name, guarantee: guaranteeOf(fault), file: fault.file, description: fault.description };
}

function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => (row[index] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  return [columns, ...rows].map(line).join("\n");
}

function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError("give a whole number, such as 2.");
  return Number(text);
}
