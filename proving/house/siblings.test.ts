// A folder is read at a glance: no more than twenty entries stand in one. What has more has a room in it that wants a name.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./imports.ts";

const entriesMax = 20;
const tops = ["charts", "core", "docs", "edge", "local", "proto", "proving", "sdk", "shared"];
/** Made by tools, or data with one file a case: each by its path, so that a room of the same name elsewhere counts. */
const uncounted = [
  /(^|\/)node_modules$/,
  /^proto\/(gen|golden)$/,
  /^proving\/fuzz\/corpus$/,
  /^shared\/src\/channels\/[^/]+\/fixtures$/,
];

it(`no folder has more than ${entriesMax} entries`, () => {
  const crowded = tops
    .flatMap(foldersIn)
    .filter(({ entries }) => entries > entriesMax)
    .map(({ folder, entries }) => `${folder} has ${entries}`);
  expect(crowded).toEqual([]);
});

it("this counter sees the folders of each room", () => {
  const counted = new Map(tops.flatMap(foldersIn).map(({ folder, entries }) => [folder, entries]));
  for (const top of tops) expect(counted.has(top), top).toBe(true);
  expect(counted.get("proving/house")).toBeGreaterThan(5);
  expect(counted.has("proving/golden"), "a room beside proto/golden").toBe(true);
});

function foldersIn(folder: string): { folder: string; entries: number }[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).filter(
    ({ name }) => !name.startsWith(".") && !uncounted.some((path) => path.test(`${folder}/${name}`)),
  );
  const rooms = entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => foldersIn(`${folder}/${name}`));
  return [{ folder, entries: entries.length }, ...rooms];
}
