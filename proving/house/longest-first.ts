// The order of test files: those that start whole systems and hosts first, so that no worker is left alone with a long one at the end.
import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { root } from "./imports.ts";

/** The first that fits says when; what fits none comes last, for it takes a moment. */
const order: readonly RegExp[] = [
  /^proving\/whole\//,
  /^edge\/src\/(node|worker)\/|^local\/|^core\/src\/(sender|cli|dedup)\//,
  /^proving\/|^shared\/src\/bus\/|^core\/|^sdk\//,
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => turnOf(a) - turnOf(b) || a.moduleId.localeCompare(b.moduleId));
  }
}

function turnOf({ moduleId }: TestSpecification): number {
  const file = relative(root, moduleId);
  const turn = order.findIndex((pattern) => pattern.test(file));
  return turn < 0 ? order.length : turn;
}
