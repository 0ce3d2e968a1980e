// Reads the imports of the repository's own files, and what each file reaches through them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

export const root = join(import.meta.dirname, "../..");

const skipped = new Set(["node_modules", "fixtures", ".mio", ".cache"]);
const importPattern =
  /(?:^|[\n;])\s*(?:import|export)\b(?:[^"'`;()]*?\bfrom)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** TypeScript files under a folder, relative to the root, with "/". */
export function filesIn(folder: string): string[] {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesIn(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

/** Tests, the suites that only they import, and forgers may stand on anything. */
export const provesOnly = /\.test\.ts$|\/conformance\/|\/forger\.ts$/;

export function shippedFilesIn(folder: string): string[] {
  return filesIn(folder).filter((file) => !provesOnly.test(file));
}

export function sourceOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** A file's text without what it says in comments. */
export function codeOf(file: string): string {
  return sourceOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
}

/** What a file imports: a path of the repository for our own files, else the package or scheme as written. */
export function importsOf(file: string): string[] {
  const source = sourceOf(file).replace(/\/\*[\s\S]*?\*\//g, "");
  return [...source.matchAll(importPattern)].map((match) => resolved(file, match[1] ?? match[2] ?? ""));
}

/** Everything of ours that a file reaches, itself included. */
export function reachOf(file: string): Set<string> {
  const reached = new Set<string>();
  const open = [file];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    for (const imported of importsOf(next)) if (/\.tsx?$/.test(imported) && existsSync(join(root, imported))) open.push(imported);
  }
  return reached;
}

interface Door {
  /** What an importer writes, up to the "*" where the door opens a folder. */
  specifier: string;
  path: string;
  opensFolder: boolean;
}

/** Where the names of our packages lead: the `exports` of each. */
export const doors = ["proto", "shared", "edge", "core", "sdk/typescript", "local", "proving"].flatMap(doorsOf);

function doorsOf(folder: string): Door[] {
  const { name, exports } = packageOf(folder);
  return Object.entries(exports).map(([door, target]) => ({
    specifier: (name + door.slice(1)).replace("*", ""),
    path: (folder + target.slice(1)).replace("*", ""),
    opensFolder: door.endsWith("*"),
  }));
}

function packageOf(folder: string): { name: string; exports: Record<string, string> } {
  return JSON.parse(sourceOf(`${folder}/package.json`));
}

/** What is behind no door stays as it is written, and is nothing of ours. */
function resolved(file: string, specifier: string): string {
  if (specifier.startsWith(".")) return relative(root, resolve(root, dirname(file), specifier)).replaceAll("\\", "/");
  const door = doors.find((each) => (each.opensFolder ? specifier.startsWith(each.specifier) : specifier === each.specifier));
  return door ? specifier.replace(door.specifier, door.path) : specifier;
}
