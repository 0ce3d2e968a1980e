// A reporter of vitest that writes how many tests passed, failed and were skipped to the file that MIO_TEST_COUNTS_FILE names, and says nothing.
import { writeFileSync } from "node:fs";
import * as v from "valibot";
import type { Reporter, TestModule } from "vitest/node";

export const countsFileVariable = "MIO_TEST_COUNTS_FILE";

export const countsSchema = v.object({ passed: v.number(), failed: v.number(), skipped: v.number() });

export type TestCounts = v.InferOutput<typeof countsSchema>;

export default class TestCountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const file = process.env[countsFileVariable];
    if (file !== undefined) writeFileSync(file, JSON.stringify(countsOf(modules)));
  }
}

/** A file that could not be loaded, or did not end, counts as one failure. */
function countsOf(modules: readonly TestModule[]): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const failed = states.filter((state) => state === "failed").length;
    counts.passed += states.filter((state) => state === "passed").length;
    counts.failed += failed === 0 && module.state() !== "passed" && module.state() !== "skipped" ? 1 : failed;
    counts.skipped += states.filter((state) => state === "skipped" || state === "pending").length;
  }
  return counts;
}
