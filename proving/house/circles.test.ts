// Nobody imports each other in a circle: no two files anywhere, tests and types included, and no two rooms of a hall.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import { circlesOfFiles, circlesOfRooms } from "./circles.ts";
import { filesIn, root, shippedFilesIn } from "./imports.ts";

const workspaces = ["proto", "shared", "edge", "core", "sdk", "local", "proving"];
const halls = ["edge/src", "core/src/sender", "core/src/admin", "shared/src/bus", "shared/src/channels/simulator", "local"];

it("no file imports itself through others, not even for a type", () => {
  const files = workspaces.flatMap(filesIn);
  expect(files.length).toBeGreaterThan(500);
  expect(circlesOfFiles(files)).toEqual([]);
});

it.each(halls)("no room of %s imports itself through others", (hall) => {
  const files = shippedFilesIn(hall);
  expect(files.length).toBeGreaterThan(10);
  expect(circlesOfRooms(hall, files)).toEqual([]);
});

it("a circle is found where there is one", () => {
  const folder = mkdtempSync(join(tmpdir(), "mio-circles-"));
  try {
    const plant = (name: string, ...imported: string[]) =>
      writeFileSync(join(folder, name), imported.map((each) => `import type { X } from "./${each}";\n`).join(""));
    plant("a.ts", "b.ts");
    plant("b.ts", "c.ts");
    plant("c.ts", "b.ts", "d.ts");
    plant("d.ts");
    plant("e.ts", "e.ts");
    const planted = relative(root, folder);
    const found = circlesOfFiles(filesIn(planted)).map((circle) => circle.map((file) => relative(planted, file)));
    expect(found).toEqual([["b.ts", "c.ts"], ["e.ts"]]);
    expect(circlesOfRooms(planted, filesIn(planted))).toEqual([["b.ts", "c.ts"]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
