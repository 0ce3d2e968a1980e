// One vitest that stays, in the folder where it is started: what it has transformed, and the database of its global setup, serve all runs.
// Speaks with `run-tests.ts` over the channel of its process.
import { join, relative } from "node:path";
import * as v from "valibot";
import { createVitest, type TestCase, type TestModule, type Vitest } from "vitest/node";
import type { TestResult, TestRun } from "./run-tests.ts";

const requestSchema = v.object({
  /** Files that may have changed since the last run. */
  changed: v.array(v.string()),
  tests: v.array(v.object({ file: v.string(), pattern: v.string() })),
  untilFirstFailure: v.boolean(),
});

const root = process.cwd();
let untilFirstFailure = false;
const starting = startVitest();

process.on("message", (message) => void answer(message));
process.once("disconnect", () => void starting.then((vitest) => vitest.exit()));

async function startVitest(): Promise<Vitest> {
  const vitest = await createVitest({ root, watch: false, reporters: [{ onTestCaseResult }] });
  await vitest.standalone();
  return vitest;

  function onTestCaseResult(test: TestCase): void {
    if (untilFirstFailure && failed(test)) void vitest.cancelCurrentRun("test-failure");
  }
}

async function answer(message: unknown): Promise<void> {
  const vitest = await starting;
  process.send?.(await runTests(vitest, v.parse(requestSchema, message)));
}

async function runTests(vitest: Vitest, request: v.InferOutput<typeof requestSchema>): Promise<TestRun> {
  untilFirstFailure = request.untilFirstFailure;
  for (const file of request.changed) vitest.invalidateFile(join(root, file));
  const patterns = Map.groupBy(request.tests, (test) => test.file);
  const project = vitest.getRootProject();
  const specifications = Array.from(patterns, ([file, tests]) => {
    const testNamePattern = new RegExp(tests.map((test) => `(?:${test.pattern})`).join("|"));
    return project.createSpecification(join(root, file), { testNamePattern });
  });
  const { testModules } = await vitest.runTestSpecifications(specifications);
  return { results: testModules.flatMap(resultsOf), broken: testModules.flatMap(faultOf) };
}

/** The tests that ran; those skipped are not among them. */
function resultsOf(module: TestModule): TestResult[] {
  const ran = [...module.children.allTests()].filter((test) => failed(test) || test.result().state === "passed");
  return ran.map((test) => {
    const [error] = test.result().errors ?? [];
    return {
      file: relative(root, module.moduleId),
      name: test.fullName,
      status: failed(test) ? "failed" : "passed",
      reason: error ? firstLine(`${error.name}: ${error.message}`) : "",
      durationMs: test.diagnostic()?.duration ?? 0,
    };
  });
}

/** Why a file could not be run at all: it does not load, or what prepares its tests has failed. */
function faultOf(module: TestModule): string[] {
  if (module.state() !== "failed" || [...module.children.allTests()].some(failed)) return [];
  const suites = [module, ...module.children.allSuites()];
  const [error] = suites.flatMap((suite) => suite.errors());
  return [`${relative(root, module.moduleId)}: ${firstLine(error?.message ?? "failed without a word")}`];
}

function failed(test: TestCase): boolean {
  return test.result().state === "failed";
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0]?.slice(0, 200) ?? "";
}
