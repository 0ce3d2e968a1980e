// Which test proves which guarantee: read from the names of the tests themselves (`G1: …`, `G3, G4: …`), so that the table cannot lie.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { tableFileOf } from "../sabotage/tables.ts";

export interface Proof {
  guarantee: string;
  /** The name of the test, without its ids. */
  claim: string;
  file: string;
}

const skipped = new Set(["node_modules", ".git", ".mio", ".cache", ".wrangler", "coverage"]);
/**
 * A test that runs, as biome formats it: the call begins its line, and its name follows at once or, for a table, after the table. Other
 * modifiers (`skip`, `todo`, `skipIf`, …) mean that it may not run, so it proves nothing.
 */
const testPattern = /^[ \t]*(?:it|test)((?:\.(?:each|for|concurrent|sequential))*)([(<`])/gm;
const namePattern = /(["'`])(G\d{1,2}(?:\s*(?:,|and)\s*G\d{1,2})*):\s*((?:(?!\1)[^\\]|\\.)+)\1/y;
const neverRuns = [/^[ \t]*\/\*[\s\S]*?\*\//gm, /^([ \t]*)describe\.(?:skip|todo)\b[\s\S]*?^\1\}\);?/gm];

/** Every named proof under `root`, by guarantee, then by file. */
export function proofsIn(root: string): Proof[] {
  const proofs = testFiles(root).flatMap((file) => proofsOf(readFileSync(file, "utf8"), relative(root, file)));
  return proofs.sort((a, b) => numberOf(a) - numberOf(b) || a.file.localeCompare(b.file));
}

/** The proofs in one file's text, in its order. */
export function proofsOf(source: string, file: string): Proof[] {
  const running = neverRuns.reduce((text, pattern) => text.replaceAll(pattern, ""), source);
  const tests = [...running.matchAll(testPattern)];
  return tests.flatMap((test, index) => {
    const own = running.slice(test.index, tests[index + 1]?.index);
    const name = nameOf(own, test[0].length, test[1] !== "");
    return (name?.ids.match(/G\d+/g) ?? []).map((guarantee) => ({ guarantee, claim: name?.claim.trim() ?? "", file }));
  });
}

/** Guarantees and claim of the test that `text` begins with; undefined when its name states none. */
function nameOf(text: string, headLength: number, afterTable: boolean): { ids: string; claim: string } | undefined {
  const calls = afterTable ? [...text.matchAll(/[)`]\(\s*/g)].map((call) => call.index + call[0].length) : [];
  for (const at of calls.length > 0 ? calls : [headLength + (/^\s*/.exec(text.slice(headLength))?.[0].length ?? 0)]) {
    namePattern.lastIndex = at;
    const [, , ids, claim] = namePattern.exec(text) ?? [];
    if (ids !== undefined && claim !== undefined) return { ids, claim };
  }
  return undefined;
}

/** For people: each guarantee once, with the table of faults that prove its proofs, and the proofs below it. */
export function proofTable(proofs: readonly Proof[]): string {
  const lines: string[] = [];
  let last = "";
  for (const proof of proofs) {
    const table = tableFileOf(proof.guarantee);
    if (proof.guarantee !== last) lines.push(table ? `${proof.guarantee}, broken on purpose by ${table}` : proof.guarantee);
    last = proof.guarantee;
    lines.push(`  ${proof.claim}`, `      ${proof.file}`);
  }
  return lines.join("\n");
}

function numberOf(proof: Proof): number {
  return Number(proof.guarantee.slice(1));
}

/** Test files, and the claims that several of them register (`x-claims.ts`). */
function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return /(\.test|-claims)\.ts$/.test(entry.name) ? [path] : [];
  });
}
