// Reads the repository's pages: their links, headings, quoted paths and commands, as people find them rendered.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./imports.ts";

export interface Page {
  /** From the root, with "/". */
  path: string;
  folder: string;
  /** Text between fences is blank here, line by line. */
  prose: string;
  fenced: Block[];
}

interface Block {
  language: string;
  lines: string[];
}

/** What git tracks or would track, so that a new page counts before it is committed. */
export const tracked: readonly string[] = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 2 ** 24,
})
  .split("\n")
  .filter((path) => path !== "");

export function readPage(path: string): Page {
  const fenced: Block[] = [];
  let open: Block | undefined;
  const prose = readFileSync(join(root, path), "utf8")
    .split("\n")
    .map((line) => {
      const fence = /^\s*```(\w*)/.exec(line);
      if (fence && open === undefined) {
        open = { language: fence[1] ?? "", lines: [] };
        fenced.push(open);
      } else if (fence) open = undefined;
      else if (open) open.lines.push(line);
      else return line;
      return "";
    })
    .join("\n");
  return { path, folder: dirname(path) === "." ? "" : `${dirname(path)}/`, prose, fenced };
}

/** Targets of links that do not lead out of the repository. */
export function linksOf({ prose }: Page): string[] {
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "").filter((target) => !/^[a-z]+:/.test(target));
}

/** As GitHub names headings: lower case, without punctuation, spaces as hyphens. */
export function anchorsOf({ prose }: Page): Set<string> {
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? "");
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

export function quotedIn({ prose }: Page): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");
}

/** Lines that a person types, continued ones joined; of a comment behind them nothing is left. */
export function commandsOf({ fenced }: Page): string[] {
  return fenced
    .filter(({ language }) => ["", "sh", "bash"].includes(language))
    .flatMap(({ lines }) =>
      lines
        .join("\n")
        .replace(/\s*\\\n\s*/g, " ")
        .split("\n"),
    )
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter((line) => /^(npm|npx|node|mio) /.test(line));
}
