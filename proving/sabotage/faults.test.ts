// Every fault can still be tried: its place stands once in the tree as it is, and the tests that it names are there. Whether they notice it
// takes the run itself. And who reads the promises finds what breaks them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { goneFrom, sabotaged } from "./fault.ts";
import { tableFileOf, tables } from "./tables.ts";

const root = join(import.meta.dirname, "../..");
const faults = Object.values(tables).flat();

it.each(faults.map((fault) => ({ fault, name: fault.name })))("$name finds its place, and its tests", ({ fault }) => {
  for (const { file } of [fault, ...fault.tests]) expect(existsSync(join(root, file)), goneFrom(file)).toBe(true);
  expect(() => sabotaged(readFileSync(join(root, fault.file), "utf8"), fault)).not.toThrow();
});

it("knows each fault by one name, and each table that lies here", () => {
  expect(faults.map((fault) => fault.name)).toEqual([...new Set(faults.map((fault) => fault.name))]);
  const files = readdirSync(import.meta.dirname).filter((file) => /^g\d+\.ts$/.test(file));
  expect(Object.keys(tables).map(tableFileOf).sort()).toEqual(files.map((file) => `proving/sabotage/${file}`).sort());
});

it.each(Object.entries(tables))("each fault of %s is to be noticed by tests that name it", (promise, faultsOfPromise) => {
  const silent = faultsOfPromise.filter(({ tests }) => tests.some((test) => !test.name.source.includes(promise)));
  expect(silent.map(({ name }) => name)).toEqual([]);
});

it("is linked by the README from each promise that it breaks", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const promises = [...readme.matchAll(/^\| (G\d+) \|.*$/gm)].map(([row, id]) => ({ id: id ?? "", row }));
  expect(promises.map(({ id }) => id)).toEqual(expect.arrayContaining(Object.keys(tables)));
  for (const { id, row } of promises) expect(/\]\((proving\/sabotage\/[^)]*)\)/.exec(row)?.[1]).toBe(tableFileOf(id));
});
