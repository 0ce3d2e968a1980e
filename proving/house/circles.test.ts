// Nobody imports each other in a circle: no two files anywhere, tests and types included, and no two rooms of a hall.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import { circlesOfFiles, circlesOfRooms } from "./circles.ts";
import { filesIn, root, shippedFilesIn } from "./imports.ts";

/** Still to be opened: the faults, what judges them, and the load and the stand under both. */
const open = new Set(["proving"]);
const workspaces = ["proto", "shared", "edge", "core", "sdk", "local", "proving"];
it("no file imports itself through others, not even for a type", () => {
  const files = workspaces.flatMap(filesIn);
  expect(files.length).toBeGreaterThan(500);
  expect(circlesOfFiles(files)).toEqual([]);
});

it("no room of any folder imports itself through others", () => {
  const files = workspaces.flatMap((workspace) => (workspace === "proving" ? filesIn(workspace) : shippedFilesIn(workspace)));
  const halls = new Set(files.flatMap((file) => foldersOf(file)).filter((hall) => !open.has(hall)));
  expect(halls.size).toBeGreaterThan(50);
  expect([...halls].flatMap((hall) => circlesOfRooms(hall, files).map((circle) => `${hall}: ${circle.join(", ")}`))).toEqual([]);
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

/** Every folder above a file. */
function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
