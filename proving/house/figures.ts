// The house in figures: what grows sideways unseen. `node proving/house/figures.ts [--root <checkout>] [--json]` counts any checkout, an older
// one too, so that a change of structure can say what it was before and what it is now.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const siblingsMax = 20;
const fileLinesMax = 300;
const functionLinesMax = 100;

const { values } = parseArgs({
  options: { root: { type: "string", default: join(import.meta.dirname, "../..") }, json: { type: "boolean" } },
});
const root = resolve(values.root);
const tracked = git("ls-files").split("\n").filter(Boolean);
const sources = tracked.filter((file) => /\.tsx?$/.test(file) && !file.startsWith("proto/gen/"));

/** What proves, measures or breaks, and is no test beside its code. */
const isTooling = (file: string) =>
  /^(proving|bench|sabotage|test)\/|\/testing\/|\/conformance\/|\/forger\.ts$|^local\/(faults|load)\//.test(file);
const isTest = (file: string) => file.endsWith(".test.ts");
const isSimulator = (file: string) => /\/simulators?[/.]/.test(file);
const isShipped = (file: string) =>
  /^(edge|core|shared|sdk)\//.test(file) && !isTest(file) && !isTooling(file) && !isSimulator(file) && !/\/examples\//.test(file);

const figures = {
  [`folders with over ${siblingsMax} entries`]: crowdedFolders(),
  [`files over ${fileLinesMax} lines`]: sources
    .filter((file) => linesOf(file) > fileLinesMax)
    .map((file) => `${file} ${linesOf(file)}`),
  [`functions over ${functionLinesMax} lines`]: longFunctions(),
  "lines of tooling outside proving/": [sum(sources.filter((file) => isTooling(file) && !file.startsWith("proving/")))],
  "places that spell a subject outside shared's subjects.ts and streams.ts": spelledSubjects(),
  "shipped lines by room": ["edge", "core", "shared", "sdk"].map(
    (room) => `${room} ${sum(sources.filter((file) => file.startsWith(`${room}/`) && isShipped(file)))}`,
  ),
  "lines of tests, kits and tooling": [sum(sources.filter((file) => isTest(file) || isTooling(file)))],
};

if (values.json) console.log(JSON.stringify(figures));
else
  for (const [name, found] of Object.entries(figures)) {
    console.log(found.length === 1 && typeof found[0] === "number" ? `${name}: ${found[0]}` : `${name}: ${found.length}`);
    if (typeof found[0] === "string") for (const each of found) console.log(`  ${each}`);
  }

function crowdedFolders(): string[] {
  const entries = new Map<string, Set<string>>();
  for (const file of tracked) {
    if (/(^|\/)(fixtures|golden|gen)\//.test(file)) continue;
    const parts = file.split("/");
    for (let depth = 0; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join("/") || ".";
      entries.set(folder, (entries.get(folder) ?? new Set()).add(parts[depth] ?? ""));
    }
  }
  return [...entries]
    .filter(([, names]) => names.size > siblingsMax)
    .sort(([, a], [, b]) => b.size - a.size)
    .map(([folder, names]) => `${folder} ${names.size}`);
}

/** Counted by the linter's own rule, tests aside: a `describe` is no function that anybody reads from top to bottom. */
function longFunctions(): string[] {
  const folder = mkdtempSync(join(tmpdir(), "mio-figures-"));
  try {
    const rule = { level: "warn", options: { maxLines: functionLinesMax } };
    const rules = { recommended: false, complexity: { noExcessiveLinesPerFunction: rule } };
    const includes = ["**", "!proto/gen", "!**/*.test.ts"];
    writeFileSync(join(folder, "biome.json"), JSON.stringify({ root: true, files: { includes }, linter: { rules } }));
    const biome = join(dirname(createRequire(import.meta.url).resolve("@biomejs/biome/package.json")), "bin/biome");
    const words = [
      "lint",
      "--only=complexity/noExcessiveLinesPerFunction",
      `--config-path=${folder}`,
      "--max-diagnostics=none",
      ".",
    ];
    const { stdout, stderr } = spawnSync(process.execPath, [biome, ...words], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    const found = `${stdout}\n${stderr}`.matchAll(/^(\S+\.tsx?:\d+):\d+ lint\/complexity[\s\S]*?too many lines \((\d+)\)/gm);
    return [...found].map(([, place, lines]) => `${place} ${lines}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function spelledSubjects(): string[] {
  return sources
    .filter((file) => isShipped(file) && !/shared\/src\/bus\/(names\/)?(subjects|streams)\.ts$/.test(file))
    .flatMap((file) =>
      textOf(file)
        .split("\n")
        .flatMap((line, index) => (/["'`]mio\.(?!v1|edge|admin)/.test(line) ? [`${file}:${index + 1}`] : [])),
    );
}

function sum(files: readonly string[]): number {
  return files.reduce((lines, file) => lines + linesOf(file), 0);
}

function linesOf(file: string): number {
  return textOf(file).split("\n").length - 1;
}

function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

function git(...words: string[]): string {
  return spawnSync("git", words, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 }).stdout;
}
