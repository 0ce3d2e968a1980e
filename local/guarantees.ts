// Which test proves which guarantee: read from the names of the tests themselves (`G1: …`, `G3, G4: …`), so that the table cannot lie.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export interface Proof {
  guarantee: string;
  /** The name of the test, without its ids. */
  claim: string;
  file: string;
}

const skipped = new Set(["node_modules", ".git", ".mio", ".cache", ".wrangler", "coverage"]);
const namePattern = /["'`]((?:G\d{1,2})(?:\s*(?:,|and)\s*G\d{1,2})*):\s*((?:[^"'`\\]|\\.|(?<=\w)'(?=\w))+)["'`]/g;

/** Every named proof under `root`, by guarantee, then by file. */
export function proofsIn(root: string): Proof[] {
  const proofs = testFiles(root).flatMap((file) => proofsOf(readFileSync(file, "utf8"), relative(root, file)));
  return proofs.sort((a, b) => numberOf(a) - numberOf(b) || a.file.localeCompare(b.file));
}

export function proofsOf(source: string, file: string): Proof[] {
  return [...source.matchAll(namePattern)].flatMap(([, ids = "", claim = ""]) =>
    (ids.match(/G\d+/g) ?? []).map((guarantee) => ({ guarantee, claim: claim.trim(), file })),
  );
}

/** For people: each guarantee once, its proofs below it. */
export function proofTable(proofs: readonly Proof[]): string {
  const lines: string[] = [];
  let last = "";
  for (const proof of proofs) {
    if (proof.guarantee !== last) lines.push(proof.guarantee);
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
