import { expect, it } from "vitest";
import { proofsOf } from "./guarantees.ts";

/** Apart, so that no line of this file looks like a test of its own. */
const t = "it";

function proven(...lines: string[]): string[] {
  return proofsOf(lines.join("\n"), "x.test.ts").map(({ guarantee, claim }) => `${guarantee} ${claim}`);
}

it("reads the names of tests, with tables and over lines, for each guarantee that they name", () => {
  expect(proven(`${t}("G1: answers", () => {});`)).toEqual(["G1 answers"]);
  expect(proven(`  ${t}(\`G2, G3 and G4: killed at \${point}, it's "whole"\`, () => {});`)).toEqual(
    ["G2", "G3", "G4"].map((id) => `${id} killed at \${point}, it's "whole"`),
  );
  expect(proven("test(", '  "G5: the name stands alone",', "  async () => {},", ");")).toEqual(["G5 the name stands alone"]);
  expect(proven(`${t}.each([`, '  ["a", of("G9: no name")],', '])("G6: of %s", () => {});')).toEqual(["G6 of %s"]);
  expect(proven(`${t}.each<[string]>(rows)("G7: of %s", () => {});`, `${t}("plain", () => {});`)).toEqual(["G7 of %s"]);
});

it("counts no test that does not run, and no other text", () => {
  expect(proven(`${t}.skip("G1: skipped", () => {});`, `${t}.todo("G1: some day");`)).toEqual([]);
  expect(proven(`${t}.skipIf(true)("G1: perhaps", () => {});`, `${t}.skip.each(rows)("G1: of %s", () => {});`)).toEqual([]);
  expect(proven(`// ${t}("G1: commented", () => {});`, "/*", `${t}("G1: commented too", () => {});`, "*/")).toEqual([]);
  expect(proven('describe.skip("later", () => {', `  ${t}("G1: later", () => {});`, "});", `${t}("G2: now", f);`)).toEqual([
    "G2 now",
  ]);
  expect(proven('const text = "G9: any text";', 'describe("G9: a group", () => {', `  ${t}("plain", f);`, "});")).toEqual([]);
  expect(proven(`${t}("plain", () => say("G9: any text"));`)).toEqual([]);
});
