// Circles of imports: between files, imports of types included, and between the rooms of a hall. Who stands in one can be read, moved or
// replaced only together with all the others.
import { importsOf } from "./imports.ts";

/** The files that import each other in a circle, sorted; a file that imports itself is one. */
export function circlesOfFiles(files: readonly string[]): string[][] {
  return circlesIn(arrowsOf(files, (file) => file));
}

/** The same for what stands in a hall: its folders, and its own files each for itself. */
export function circlesOfRooms(hall: string, files: readonly string[]): string[][] {
  const roomOf = (file: string) =>
    file.startsWith(`${hall}/`) ? (file.slice(hall.length + 1).split("/")[0] ?? file) : undefined;
  const arrows = arrowsOf(files, roomOf);
  for (const [room, others] of arrows) others.delete(room);
  return circlesIn(arrows);
}

function arrowsOf(files: readonly string[], nodeOf: (file: string) => string | undefined): Map<string, Set<string>> {
  const known = new Set(files);
  const arrows = new Map<string, Set<string>>();
  for (const file of files) {
    const node = nodeOf(file);
    if (node === undefined) continue;
    const own = arrows.get(node) ?? new Set();
    arrows.set(node, own);
    for (const imported of importsOf(file)) {
      const other = known.has(imported) ? nodeOf(imported) : undefined;
      if (other !== undefined) own.add(other);
    }
  }
  return arrows;
}

/** Whoever reaches itself, together with those that it reaches and that reach it. */
function circlesIn(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const reached = new Map([...arrows.keys()].map((node) => [node, reachedFrom(node, arrows)]));
  const circles = new Map<string, string[]>();
  for (const [node, from] of reached) {
    if (!from.has(node)) continue;
    const circle = [...from].filter((other) => reached.get(other)?.has(node)).sort();
    circles.set(circle.join(), circle);
  }
  return [...circles.values()].sort();
}

function reachedFrom(start: string, arrows: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const reached = new Set<string>();
  const open = [...(arrows.get(start) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    open.push(...(arrows.get(next) ?? []));
  }
  return reached;
}
