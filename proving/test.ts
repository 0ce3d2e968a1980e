// `npm test`: runs vitest with the words that follow, and ends in one line, `N passed, N failed`, with an exit code that agrees with it.
import { spawn } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import * as v from "valibot";
import { proofsIn, proofTable } from "./house/guarantees.ts";
import { countsFileVariable, countsSchema, type TestCounts } from "./test-counts.ts";

const root = join(import.meta.dirname, "..");
const usage = `Usage: npm test -- [filter ...] [vitest options]

Runs all tests with real servers, or those whose path holds a filter: npm test -- edge. Options after the filters go to vitest, such
as -t "G1". The last line is "N passed, N failed".

  --guarantees   print which test proves which guarantee, and run nothing
  --help         this`;

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
  const lost = filtersWithoutFile(words);
  if (lost.length > 0) {
    console.error(`no test file matches ${lost.join(", ")}`);
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), "mio-test-report-"));
  try {
    const file = join(folder, "counts.json");
    const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
    const counting = join(import.meta.dirname, "test-counts.ts");
    const options = ["run", "--reporter=default", `--reporter=${counting}`];
    const code = await run(process.execPath, [vitest, ...options, ...words], { [countsFileVariable]: file });
    const { passed, failed, skipped } = countsOf(file, code);
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    return failed > 0 ? 1 : code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of the words in front of the first option, those that are part of no test file's path: a name that is misspelt must not pass for tests. */
function filtersWithoutFile(words: readonly string[]): string[] {
  const firstOption = words.findIndex((word) => word.startsWith("-"));
  const filters = firstOption < 0 ? words : words.slice(0, firstOption);
  const files = globSync("**/*.test.ts", { cwd: root, exclude: (name) => ["node_modules", ".git", ".mio"].includes(name) });
  return filters.filter((filter) => {
    // As vitest does: a part of a path, a path from here, or either of them with a line.
    const part = filter.replace(/:\d+$/, "").toLowerCase();
    const parts = [part, relative(root, resolve(root, part))];
    return !files.some((file) => parts.some((each) => file.toLowerCase().includes(each)));
  });
}

/** An error outside every test counts as a failure. */
function countsOf(file: string, code: number): TestCounts {
  try {
    const counts = v.parse(countsSchema, JSON.parse(readFileSync(file, "utf8")));
    return { ...counts, failed: counts.failed === 0 && code !== 0 ? 1 : counts.failed };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Signals of the terminal reach the child by itself; one that only we get is passed on. */
function run(command: string, args: readonly string[], variables: Readonly<Record<string, string>>): Promise<number> {
  // Tests start hundreds of our programs; Node keeps what it compiled, and what it stripped of types, for the next start.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node"), ...variables };
  const child = spawn(command, args, { cwd: root, stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}
