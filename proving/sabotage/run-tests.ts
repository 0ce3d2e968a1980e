// Runs named tests with vitest in a tree, and tells what became of each from the JSON report; the exit code alone could not tell a
// guarantee that failed from a file that did not load.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import type { ExpectedFailure } from "./fault.ts";

export interface TestResult {
  file: string;
  name: string;
  status: "passed" | "failed";
  /** First line of the first failure. */
  reason: string;
}

export interface TestRun {
  /** The tests that matched; those skipped are not among them. */
  results: TestResult[];
  /** Why files could not be run at all. */
  broken: string[];
}

const report = v.object({
  testResults: v.array(
    v.object({
      name: v.string(),
      status: v.string(),
      message: v.optional(v.string(), ""),
      assertionResults: v.array(
        v.object({
          ancestorTitles: v.array(v.string()),
          title: v.string(),
          status: v.string(),
          failureMessages: v.optional(v.nullable(v.array(v.string())), []),
        }),
      ),
    }),
  ),
});

export interface RunOptions {
  /** Ends vitest, and says so in `broken`, when it takes longer. */
  timeoutMs: number;
  /** Whether one failure is enough. */
  untilFirstFailure: boolean;
}

/** Runs what `tests` name in the tree at `root`. */
export async function runTests(
  root: string,
  tests: readonly ExpectedFailure[],
  { timeoutMs, untilFirstFailure }: RunOptions,
): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), "mio-sabotage-report-"));
  const file = join(folder, "report.json");
  const files = [...new Set(tests.map((test) => test.file))];
  const pattern = [...new Set(tests.map((test) => `(?:${test.name.source})`))].join("|");
  const vitest = ["node_modules/vitest/vitest.mjs", "run", ...files, "-t", pattern, "--reporter=json", `--outputFile=${file}`];
  if (untilFirstFailure) vitest.push("--bail=1");
  try {
    const ended = await runNode(root, vitest, timeoutMs);
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (ended.late) return { results: [], broken: [`vitest was ended after ${timeoutMs / 1000} s`] };
    if (text === undefined) return { results: [], broken: [`vitest wrote no report: ${lastLine(ended.output)}`] };
    return readReport(root, text, tests);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readReport(root: string, text: string, tests: readonly ExpectedFailure[]): TestRun {
  const run: TestRun = { results: [], broken: [] };
  for (const suite of v.parse(report, JSON.parse(text)).testResults) {
    const file = suite.name.startsWith(`${root}/`) ? suite.name.slice(root.length + 1) : suite.name;
    const patterns = tests.filter((test) => test.file === file).map((test) => test.name);
    const results = suite.assertionResults.filter((test) => test.status === "passed" || test.status === "failed");
    for (const test of results) {
      // As vitest itself joins them for -t.
      const name = [...test.ancestorTitles, test.title].join(" > ");
      if (!patterns.some((pattern) => pattern.test(name))) continue;
      const reason = firstLine(test.failureMessages?.[0] ?? "");
      run.results.push({ file, name, status: test.status === "failed" ? "failed" : "passed", reason });
    }
    if (suite.status === "failed" && !results.some((test) => test.status === "failed")) {
      run.broken.push(`${file}: ${firstLine(suite.message)}`);
    }
  }
  return run;
}

async function runNode(cwd: string, args: readonly string[], timeoutMs: number): Promise<{ output: string; late: boolean }> {
  const child = spawn(process.execPath, args, {
    cwd,
    // A group of its own, so that what vitest has started can be ended with it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FORCE_COLOR: "0" },
  });
  const endGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The group is gone.
    }
  };
  const onExit = () => endGroup("SIGTERM");
  process.once("exit", onExit);
  let output = "";
  let late = false;
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-10_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const timer = setTimeout(() => {
    late = true;
    endGroup("SIGTERM");
    setTimeout(() => endGroup("SIGKILL"), 5_000).unref();
  }, timeoutMs);
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  clearTimeout(timer);
  process.off("exit", onExit);
  endGroup("SIGTERM");
  return { output, late };
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0]?.slice(0, 200) ?? "";
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.slice(0, 200) ?? "";
}
