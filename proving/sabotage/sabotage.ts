// The run: first all named tests unbroken, then one fault at a time in the copy, each undone before the next.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Fault, sabotaged } from "./fault.ts";
import { runTests, type TestResult, type TestRun } from "./run-tests.ts";

export type Outcome =
  /** The guarantee's test failed, as it must. */
  | { kind: "caught"; test: TestResult }
  /** Every test that should have failed passed. */
  | { kind: "missed"; reason: string }
  /** The fault cannot be tried: its place is gone, or its tests do not run or do not pass unbroken. */
  | { kind: "broken"; reason: string };

export interface Verdict {
  fault: Fault;
  outcome: Outcome;
}

export interface SabotageOptions {
  /** A copy of the tree, which is broken and mended again. */
  root: string;
  faults: readonly Fault[];
  /** For one run of the tests of one fault. */
  timeoutMs: number;
  progress(line: string): void;
}

export async function sabotage({ root, faults, timeoutMs, progress }: SabotageOptions): Promise<Verdict[]> {
  progress(`first unbroken: the tests of ${faults.length} faults`);
  const all = faults.flatMap((fault) => fault.tests);
  const unbroken: TestRun =
    all.length > 0
      ? await runTests(root, all, { timeoutMs: timeoutMs * 4, untilFirstFailure: false })
      : { results: [], broken: [] };
  for (const line of unbroken.broken) progress(`  does not run: ${line}`);
  for (const test of unbroken.results) if (test.status === "failed") progress(`  fails unbroken: ${test.name}: ${test.reason}`);

  const verdicts: Verdict[] = [];
  for (const fault of faults) {
    const outcome = (await untried(root, fault, unbroken)) ?? (await tryFault(root, fault, timeoutMs));
    verdicts.push({ fault, outcome });
    const how = outcome.kind === "caught" ? `${outcome.test.name}: ${outcome.test.reason}` : outcome.reason;
    progress(`${fault.name}: ${outcome.kind}, ${how}`);
  }
  return verdicts;
}

/** Why a fault need not be tried; undefined when it can be. */
async function untried(root: string, fault: Fault, unbroken: TestRun): Promise<Outcome | undefined> {
  const text = await readFile(join(root, fault.file), "utf8").catch(() => undefined);
  if (text === undefined) return { kind: "broken", reason: `there is no ${fault.file}` };
  try {
    sabotaged(text, fault);
  } catch (error) {
    return { kind: "broken", reason: error instanceof Error ? error.message : String(error) };
  }
  for (const test of fault.tests) {
    const found = unbroken.results.filter((result) => result.file === test.file && test.name.test(result.name));
    if (found.length === 0) return { kind: "broken", reason: `no test of ${test.file} ran that is called ${test.name}` };
    const failed = found.find((result) => result.status === "failed");
    if (failed) return { kind: "broken", reason: `fails unbroken: ${failed.name}` };
  }
  return fault.tests.length === 0 ? { kind: "broken", reason: "it names no test" } : undefined;
}

async function tryFault(root: string, fault: Fault, timeoutMs: number): Promise<Outcome> {
  const path = join(root, fault.file);
  const text = await readFile(path, "utf8");
  await writeFile(path, sabotaged(text, fault));
  try {
    const run = await runTests(root, fault.tests, { timeoutMs, untilFirstFailure: true });
    const failed = run.results.find((result) => result.status === "failed");
    if (failed) return { kind: "caught", test: failed };
    if (run.broken.length > 0) return { kind: "broken", reason: run.broken.join("; ") };
    return { kind: "missed", reason: `all pass: ${run.results.map((result) => result.name).join("; ")}` };
  } finally {
    await writeFile(path, text);
  }
}
