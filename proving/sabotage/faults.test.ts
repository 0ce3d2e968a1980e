// Every fault can still be tried: its place stands once in the tree as it is, and the tests that it names are there. Whether they notice it
// takes the run itself.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Fault, sabotaged } from "./fault.ts";

const root = join(import.meta.dirname, "../..");
const files = readdirSync(join(import.meta.dirname, "faults"));

it.each(files)("%s finds its place, and its tests", async (file) => {
  const { fault }: { fault: Fault } = await import(join(import.meta.dirname, "faults", file));
  expect(`${fault.name}.ts`).toBe(file);
  expect(() => sabotaged(readFileSync(join(root, fault.file), "utf8"), fault)).not.toThrow();
  for (const test of fault.tests) expect(readFileSync(join(root, test.file), "utf8")).not.toBe("");
});
