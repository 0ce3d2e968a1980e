// The run: first all named tests unbroken, then the faults, one at a time in each copy of the tree, each undone before the next.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ExpectedFailure, type Fault, goneFrom, sabotaged } from "./fault.ts";
import { openTestRunner, type RunOptions, type TestResult, type TestRun, type TestRunner } from "./run-tests.ts";

export type Outcome =
  /** The guarantee's test failed, as it must. */
  | { kind: "caught"; test: TestResult }
  /** Every test that should have failed passed, or did not come to its end: a clock proves nothing. */
  | { kind: "missed"; reason: string }
  /** The fault cannot be tried: its place is gone, or its tests do not run or do not pass unbroken. */
  | { kind: "broken"; reason: string };

export interface Verdict {
  fault: Fault;
  outcome: Outcome;
}

export interface SabotageOptions {
  /** Copies of one tree, which are broken and mended again, side by side. */
  roots: readonly string[];
  faults: readonly Fault[];
  /** For one run of the tests of one fault. */
  timeoutMs: number;
  progress(line: string): void;
}

/** The verdicts in the order of the faults. */
export async function sabotage({ roots, faults, timeoutMs, progress }: SabotageOptions): Promise<Verdict[]> {
  await using runners = new AsyncDisposableStack();
  const [first, ...others] = roots.map((root) => ({ root, runner: runners.use(openTestRunner(root)) }));
  if (!first) return [];
  progress(`first unbroken: the tests of ${faults.length} faults`);
  const all = faults.flatMap((fault) => fault.tests);
  // Each run is told of them all: one is broken in it, and another was mended before it.
  const changed = [...new Set(faults.map((fault) => fault.file))];
  const unbroken: TestRun =
    all.length > 0
      ? await first.runner.run(all, { timeoutMs: timeoutMs * 4, untilFirstFailure: false })
      : { results: [], broken: [] };
  for (const line of unbroken.broken) progress(`  does not run: ${line}`);
  for (const test of unbroken.results) if (test.status === "failed") progress(`  fails unbroken: ${test.name}: ${test.reason}`);

  // The longest first, so that no copy is left alone with one.
  const durationOf = (fault: Fault) =>
    fault.tests.flatMap((test) => namedBy(test, unbroken)).reduce((sum, { durationMs }) => sum + durationMs, 0);
  const waiting = faults.map((fault) => ({ fault, durationMs: durationOf(fault) })).sort((a, b) => b.durationMs - a.durationMs);
  const outcomes = new Map<Fault, Outcome>();
  const startMs = performance.now();

  async function work({ root, runner }: { root: string; runner: TestRunner }): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { fault } = next;
      const options = { timeoutMs, untilFirstFailure: true, changed };
      const outcome = (await untried(root, fault, unbroken)) ?? (await tryFault(root, runner, fault, options));
      outcomes.set(fault, outcome);
      const how = outcome.kind === "caught" ? `${outcome.test.name}: ${outcome.test.reason}` : outcome.reason;
      const leftMs = ((performance.now() - startMs) / outcomes.size) * (faults.length - outcomes.size);
      progress(
        `${outcomes.size} of ${faults.length}, ${Math.ceil(leftMs / 1_000)} s left: ${fault.name}: ${outcome.kind}, ${how}`,
      );
    }
  }
  await Promise.all([first, ...others].map(work));
  return faults.flatMap((fault) => {
    const outcome = outcomes.get(fault);
    return outcome ? [{ fault, outcome }] : [];
  });
}

/** Why a fault need not be tried; undefined when it can be. */
async function untried(root: string, fault: Fault, unbroken: TestRun): Promise<Outcome | undefined> {
  const text = await readFile(join(root, fault.file), "utf8").catch(() => undefined);
  if (text === undefined) return { kind: "broken", reason: goneFrom(fault.file) };
  try {
    sabotaged(text, fault);
  } catch (error) {
    return { kind: "broken", reason: error instanceof Error ? error.message : String(error) };
  }
  for (const test of fault.tests) {
    const found = namedBy(test, unbroken);
    if (found.length === 0) return { kind: "broken", reason: `no test of ${test.file} ran that is called ${test.name}` };
    const failed = found.find((result) => result.status === "failed");
    if (failed) return { kind: "broken", reason: `fails unbroken: ${failed.name}` };
  }
  return fault.tests.length === 0 ? { kind: "broken", reason: "it names no test" } : undefined;
}

async function tryFault(root: string, runner: TestRunner, fault: Fault, options: RunOptions): Promise<Outcome> {
  const path = join(root, fault.file);
  const text = await readFile(path, "utf8");
  await writeFile(path, sabotaged(text, fault));
  try {
    const run = await runner.run(fault.tests, options);
    const failed = run.results.filter((result) => result.status === "failed");
    const caught = failed.find((result) => !ranOutOfTime(result));
    if (caught) return { kind: "caught", test: caught };
    if (failed[0]) return { kind: "missed", reason: `only out of time: ${failed[0].name}: ${failed[0].reason}` };
    if (run.broken.length > 0) return { kind: "broken", reason: run.broken.join("; ") };
    return { kind: "missed", reason: `all pass: ${run.results.map((result) => result.name).join("; ")}` };
  } finally {
    await writeFile(path, text);
  }
}

function namedBy(test: ExpectedFailure, run: TestRun): TestResult[] {
  return run.results.filter((result) => result.file === test.file && test.name.test(result.name));
}

/** vitest's own words. A test on a busy machine may run out of its time with no fault at all. */
function ranOutOfTime({ reason }: TestResult): boolean {
  return /\b(?:Test|Hook) timed out in \d+ms/.test(reason);
}
