// `npm test`: runs vitest with the words that follow, and ends in one line, `N passed, N failed`, with an exit code that agrees with it.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { proofsIn, proofTable } from "./house/guarantees.ts";

const root = join(import.meta.dirname, "..");
const usage = `Usage: npm test -- [filter ...] [vitest options]

Runs all tests with real servers, or those whose path holds a filter: npm test -- edge. Options after the filters go to vitest, such
as -t "G1". The last line is "N passed, N failed".

  --guarantees   print which test proves which guarantee, and run nothing
  --help         this`;

const reportSchema = v.object({
  numPassedTests: v.number(),
  numFailedTests: v.number(),
  numPendingTests: v.number(),
  testResults: v.array(v.object({ status: v.string(), assertionResults: v.array(v.object({ status: v.string() })) })),
});

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  if (words.includes("--help") || words.includes("-h")) {
    console.log(usage);
    return 0;
  }
  if (words.includes("--guarantees")) {
    console.log(proofTable(proofsIn(root)));
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "mio-test-report-"));
  try {
    const file = join(folder, "report.json");
    const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
    const code = await run(process.execPath, [
      vitest,
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
      ...words,
    ]);
    const { passed, failed, skipped } = countsOf(file, code);
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    return failed > 0 ? 1 : code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that could not even be loaded, and an error outside every test, count as failures. */
function countsOf(file: string, code: number): { passed: number; failed: number; skipped: number } {
  try {
    const report = v.parse(reportSchema, JSON.parse(readFileSync(file, "utf8")));
    const broken = report.testResults.filter(
      (result) => result.status === "failed" && result.assertionResults.every((each) => each.status !== "failed"),
    ).length;
    const failed = report.numFailedTests + broken;
    return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed, skipped: report.numPendingTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Signals of the terminal reach the child by itself; one that only we get is passed on. */
function run(command: string, args: readonly string[]): Promise<number> {
  // Tests start hundreds of our programs; Node keeps what it compiled, and what it stripped of types, for the next start.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node") };
  const child = spawn(command, args, { cwd: root, stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}
