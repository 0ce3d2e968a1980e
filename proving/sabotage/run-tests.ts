// Runs named tests in a tree, and tells what became of each. vitest stays between runs in a process of its own (`vitest-process.ts`), for
// starting it anew takes longer than most tests; one that does not come to an end is ended with all that it has started.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import type { ExpectedFailure } from "./fault.ts";

const resultSchema = v.object({
  file: v.string(),
  /** As vitest itself joins describe and it. */
  name: v.string(),
  status: v.picklist(["passed", "failed"]),
  /** First line of the first failure. */
  reason: v.string(),
  durationMs: v.number(),
});
const runSchema = v.object({
  /** The tests that matched; those skipped are not among them. */
  results: v.array(resultSchema),
  /** Why files could not be run at all. */
  broken: v.array(v.string()),
});

export type TestResult = v.InferOutput<typeof resultSchema>;
export type TestRun = v.InferOutput<typeof runSchema>;

export interface RunOptions {
  /** Ends vitest, and says so in `broken`, when it takes longer. */
  timeoutMs: number;
  /** Whether one failure is enough. */
  untilFirstFailure: boolean;
  /** Files that may have changed since the last run. */
  changed?: readonly string[];
}

export interface TestRunner extends AsyncDisposable {
  /** One run at a time. */
  run(tests: readonly ExpectedFailure[], options: RunOptions): Promise<TestRun>;
}

/** A runner for the tree at `root`. */
export function openTestRunner(root: string): TestRunner {
  let vitest: Vitest | undefined;
  const endAtOnce = () => vitest && endGroup(vitest.child, "SIGTERM");
  process.once("exit", endAtOnce);
  return { run, [Symbol.asyncDispose]: close };

  async function run(tests: readonly ExpectedFailure[], options: RunOptions): Promise<TestRun> {
    const { timeoutMs, untilFirstFailure, changed = [] } = options;
    vitest ??= startVitest(root);
    const request = { changed, tests: tests.map(({ file, name }) => ({ file, pattern: name.source })), untilFirstFailure };
    const answer = await answerOf(vitest, request, timeoutMs);
    if (answer.kind === "run") return { ...answer.run, results: answer.run.results.filter((result) => isNamed(result, tests)) };
    await end(vitest.child);
    vitest = undefined;
    return { results: [], broken: [answer.reason] };
  }

  async function close(): Promise<void> {
    process.off("exit", endAtOnce);
    if (vitest) await end(vitest.child);
  }
}

interface Vitest {
  child: ChildProcess;
  /** What it wrote last, should it die. */
  lastLine(): string;
}

function startVitest(root: string): Vitest {
  const child = spawn(process.execPath, [join(import.meta.dirname, "vitest-process.ts")], {
    cwd: root,
    // A group of its own, so that what vitest has started can be ended with it.
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...process.env, FORCE_COLOR: "0" },
  });
  let output = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-10_000);
  });
  return { child, lastLine: () => output.trim().split("\n").at(-1)?.slice(0, 200) ?? "" };
}

type Answer = { kind: "run"; run: TestRun } | { kind: "none"; reason: string };

async function answerOf({ child, lastLine }: Vitest, request: object, timeoutMs: number): Promise<Answer> {
  const listening = new AbortController();
  const { signal } = listening;
  try {
    child.send(request);
    return await Promise.race([
      once(child, "message", { signal }).then(([message]): Answer => ({ kind: "run", run: v.parse(runSchema, message) })),
      once(child, "close", { signal }).then((): Answer => ({ kind: "none", reason: `vitest ended: ${lastLine()}` })),
      sleep<Answer>(timeoutMs, { kind: "none", reason: `vitest was ended after ${timeoutMs / 1000} s` }, { signal }),
    ]);
  } finally {
    listening.abort();
  }
}

/** Ends the child and what it has started, which a child that is gone may have left behind. */
async function end(child: ChildProcess): Promise<void> {
  const closed = child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, "exit");
  endGroup(child, "SIGTERM");
  const forced = setTimeout(() => endGroup(child, "SIGKILL"), 5_000);
  await closed;
  clearTimeout(forced);
  endGroup(child, "SIGKILL");
}

function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}

function isNamed(result: TestResult, tests: readonly ExpectedFailure[]): boolean {
  return tests.some((test) => test.file === result.file && test.name.test(result.name));
}
