// What `npm run check` says, as tests: each room's types, linter and formatter.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

/** A compiler a room, one after the other, beside other tests. */
const withinMs = 240_000;
const root = join(import.meta.dirname, "../..");
const biome = join(dirname(createRequire(import.meta.url).resolve("@biomejs/biome/package.json")), "bin/biome");

it(
  "every room type-checks with only the platform that it may use",
  () => {
    expect(run([join(root, "proving/check.ts")])).toBe("");
  },
  withinMs,
);

it(
  "linter and formatter have nothing to say",
  () => {
    expect(run([biome, "check", "--max-diagnostics=20", "."])).toBe("");
  },
  withinMs,
);

/** What a failed run wrote; empty when it succeeded. */
function run(args: readonly string[]): string {
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: withinMs });
  return result.status === 0 ? "" : `${result.stdout}${result.stderr}` || `ended with ${result.status}`;
}
