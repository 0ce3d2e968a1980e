// The pages are true where a program can tell: links lead somewhere, paths and commands exist, code cites pages that are there, and the front
// page fits a telephone.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { mioProgram } from "@mio/core/cli/program.ts";
import type { Command } from "commander";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { root } from "./imports.ts";
import { anchorsOf, commandsOf, linksOf, type Page, quotedIn, readPage, tracked } from "./pages.ts";

const pages = tracked.filter((path) => path.endsWith(".md") && existsSync(join(root, path))).map(readPage);
/** Read on telephones, but for figures and the platforms' details: at 400 pixels a line of code has so many columns. */
const narrow = pages.filter(({ path }) => !/^(proving|shared\/src\/channels)\//.test(path));
const columnsMax = 41;
const tableColumnsMax = 3;
/** What is left of 400 pixels between the margins. */
const pageWidth = 368;

/** Pixels at most, of a letter and of a cell's padding and border. */
const letterWidth = { text: 8, code: 8.2 };
const cellPadding = 27;

const { scripts } = v.parse(
  v.object({ scripts: v.record(v.string(), v.string()) }),
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")),
);
const npmWords = new Set(["ci", "start", "test", "install", "run"]);

describe("pages", () => {
  it.each(pages)("$path: each link leads to a file, and to a heading of it", (page) => {
    expect(linksOf(page).filter((target) => !leads(page, target))).toEqual([]);
  });

  it.each(pages)("$path: each path that it quotes exists", (page) => {
    const lost = quotedIn(page)
      .filter(isPathOfOurs)
      .filter((path) => !exists(page, path));
    expect(lost).toEqual([]);
  });

  it.each(pages)("$path: each command that it shows exists", (page) => {
    const quoted = quotedIn(page).filter((text) => /^(npm (run|test|start)|mio) /.test(text));
    expect([...commandsOf(page), ...quoted].flatMap(faultOf)).toEqual([]);
  });

  it.each(pages)("$path: each name of code that it quotes is in the code", (page) => {
    const names = quotedIn(page).filter((text) => /^(?=.*[a-z0-9]_|.*[a-z][A-Z])[A-Za-z]\w*$/.test(text));
    expect([...new Set(names)].filter((name) => !code.includes(name) && !platformWords.has(name))).toEqual([]);
  });

  it("docs/operate names every variable of core and every metric", () => {
    const configured = readPage("docs/operate/configure.md").prose;
    const variables = sources("core/src/process/config.ts").match(/\bMIO_[A-Z_]+(?=: variable)/g) ?? [];
    expect(variables.length).toBeGreaterThan(10);
    expect(variables.filter((name) => !configured.includes(`\`${name}\``))).toEqual([]);
    const measured = readPage("docs/operate/metrics.md").prose;
    const metrics = sources("core/src/").match(/(?<=(?:name: |counter\(|gauge\(|histogram\()\s*")mio_[a-z_]+/g) ?? [];
    expect(metrics.length).toBeGreaterThan(10);
    expect(metrics.filter((name) => !measured.includes(name))).toEqual([]);
  });

  it.each(narrow)("$path: fits 400 pixels", ({ fenced, prose }) => {
    expect(fenced.flatMap(({ lines }) => lines.filter((line) => line.length > columnsMax))).toEqual([]);
    const rows = prose.split("\n").filter((line) => /^\|.*\|$/.test(line));
    expect(rows.filter((row) => cellsOf(row).length > tableColumnsMax)).toEqual([]);
    expect(
      tablesOf(prose)
        .filter((table) => widthMin(table) > pageWidth)
        .map(([head]) => head),
    ).toEqual([]);
  });

  it("README.md shows the example agent as it is", () => {
    const shown = readPage("README.md").fenced.filter(({ language }) => language === "ts");
    const agent = readFileSync(join(root, "sdk/typescript/examples/quoter.ts"), "utf8");
    expect(shown.map(({ lines }) => `${lines.join("\n")}\n`)).toEqual([agent]);
  });

  it("docs/README.md lists every page of docs", () => {
    const listed = new Set(linksOf(readPage("docs/README.md")).map((link) => normalize(join("docs", link))));
    const there = pages.map(({ path }) => path).filter((path) => path.startsWith("docs/") && path !== "docs/README.md");
    expect(there.filter((path) => !listed.has(path))).toEqual([]);
  });

  it("code cites pages that are there", () => {
    const code = tracked.filter((path) => /\.(ts|tsx|sql|proto|yaml|toml)$/.test(path) && !path.includes("/fixtures/"));
    const lost = code.flatMap((path) =>
      citedIn(path)
        .filter((page) => !existsSync(join(root, page)) && !existsSync(join(root, dirname(path), page)))
        .map((page) => `${path} cites ${page}`),
    );
    expect(lost).toEqual([]);
  });

  it("this reader of pages notices what is wrong", () => {
    const page = readPage("README.md");
    expect(leads(page, "edge/nowhere.ts")).toBe(false);
    expect(leads(page, "edge/README.md#no-such-heading")).toBe(false);
    expect(leads(page, "edge/README.md#the-life-of-a-request")).toBe(true);
    expect(isPathOfOurs("edge/src/nowhere.ts") && !exists(page, "edge/src/nowhere.ts")).toBe(true);
    for (const command of ["npm run nothing", "npm run mio -- acount list", "npm run mio -- account list --tenants x"])
      expect(faultOf(command)).not.toEqual([]);
    expect(faultOf("npm run load -- --chanel slack")).not.toEqual([]);
    expect(faultOf("node core/src/nowhere.ts")).not.toEqual([]);
  });
});

/** The text of all files of ours that begin so and are no tests. */
function sources(prefix: string): string {
  const files = tracked.filter(
    (path) => path.startsWith(prefix) && /\.(ts|sql|proto|yaml)$/.test(path) && !path.endsWith(".test.ts"),
  );
  return files.map((path) => readFileSync(join(root, path), "utf8")).join("\n");
}

const code = sources("");
/** What only a platform or another program says. */
const platformWords = new Set(["invokeUrl"]);

function tablesOf(prose: string): string[][] {
  return (prose.match(/(?:^\|.*\|$\n?)+/gm) ?? []).map((table) => table.trim().split("\n"));
}

function cellsOf(row: string): string[] {
  return row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** How narrow a table can become: words break at spaces and behind hyphens only, and a page does not scroll sideways. */
function widthMin(rows: readonly string[]): number {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of cellsOf(row).entries()) widths[column] = Math.max(widths[column] ?? 0, ...wordsIn(cell));
  return widths.reduce((sum, width) => sum + width + cellPadding, 0);
}

function wordsIn(cell: string): number[] {
  const shown = cell.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return [...shown.matchAll(/`([^`]*)`|([^`]+)/g)].flatMap(([, code, text = ""]) =>
    (code ?? text).split(/\s+|(?<=-)/).map((word) => word.length * (code === undefined ? letterWidth.text : letterWidth.code)),
  );
}

function leads(page: Page, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page.path : normalize(join(page.folder, path));
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || anchorsOf(readPage(file)).has(anchor);
}

/** With a room in front, a file's ending behind, or a slash at the end. What holds a placeholder or a pattern is none. */
function isPathOfOurs(text: string): boolean {
  if (!/^[a-z][\w.-]*(\/[\w.-]+)*\/?$/.test(text) || madeAtRunTime.has(text)) return false;
  const isInRoom = tracked.some((path) => path.startsWith(`${text.split("/")[0]}/`)) && text.includes("/");
  return isInRoom || /\.(ts|sql|md|proto|yaml|toml|json)$/.test(text) || text.endsWith("/");
}

/** In the data folder of a local system. */
const madeAtRunTime = new Set(["local.json", "oauth-apps.json"]);

/** From the root, from the page's folder, or as the end of a path in the page's room. */
function exists(page: Page, text: string): boolean {
  const path = text.replace(/\/$/, "");
  if ([path, page.folder + path].some((each) => existsSync(join(root, each)))) return true;
  const found = (file: string) => file.endsWith(`/${path}`) || file.includes(`/${path}/`);
  const room = page.folder === "" ? "" : `${page.folder.split("/")[0]}/`;
  return tracked.some((file) => file.startsWith(room) && found(file));
}

function citedIn(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/(?<![\w*./-])((?:\.{1,2}\/)*[\w-][\w./-]*\.md)\b/g)].map((match) => match[1] ?? "");
}

/** What is wrong with a command that a page shows; nothing when all of it exists. */
function faultOf(command: string): string[] {
  const words: readonly string[] = command.match(/"[^"]*"|\S+/g) ?? [];
  const behind = words.indexOf("--");
  const own = (behind < 0 ? words : words.slice(0, behind)).filter((word) => word !== "--silent" && word !== "&&");
  const given = behind < 0 ? [] : words.slice(behind + 1);
  const [program, first, second] = own;
  if (program === "mio") return faultOfMio(own.slice(1), command);
  if (program === "node") return existsSync(join(root, first ?? "")) ? [] : [`${command}: no file ${first}`];
  if (program === "npx") return first === "node" && /^[\w-].*\.ts$/.test(second ?? "") ? faultOf(own.slice(1).join(" ")) : [];
  if (first === undefined || !npmWords.has(first)) return [`${command}: npm has no ${first}`];
  if (first === "ci" || first === "install") return [];
  const script = first === "run" ? (second ?? "") : first;
  if (scripts[script] === undefined) return [`${command}: no script ${script}`];
  if (script === "mio") return faultOfMio(given, command);
  if (script === "test")
    return given.filter((word) => /^[a-z]/.test(word) && !isPartOfTest(word)).map((word) => `${command}: ${word}`);
  const options = given.filter((word) => /^--\w/.test(word) && word !== "--help");
  const usage = usageOf(script);
  return options.filter((option) => !new RegExp(`${option}(?![\\w-])`).test(usage)).map((option) => `${command}: no ${option}`);
}

function faultOfMio(words: readonly string[], command: string): string[] {
  let found: Command = mio;
  const options = new Set(["--help"]);
  const note = () => {
    for (const { long } of found.options) if (long) options.add(long);
  };
  note();
  for (const word of words) {
    const next: Command | undefined = found.commands.find((each) => each.name() === word);
    if (next === undefined && found.commands.length > 0 && !word.startsWith("-")) return [`${command}: no command ${word}`];
    if (next === undefined) continue;
    found = next;
    note();
  }
  return words.filter((word) => word.startsWith("--") && !options.has(word)).map((word) => `${command}: no ${word}`);
}

function isPartOfTest(word: string): boolean {
  return tracked.some((path) => path.endsWith(".test.ts") && path.includes(word));
}

/** A script's usage is a text beside its program: read, not asked for, because eight programs take seconds to start. */
function usageOf(script: string): string {
  const [, program = ""] = (scripts[script] ?? "").split(" ");
  const folder = `${dirname(program)}/`;
  const files = tracked.filter(
    (path) => path.startsWith(folder) && !path.slice(folder.length).includes("/") && path.endsWith(".ts"),
  );
  return files.map((path) => readFileSync(join(root, path), "utf8")).join("\n");
}

const mio = mioProgram();
