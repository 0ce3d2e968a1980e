// What was bundled is kept exactly as long as every file that it was made from says the same.
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bundleWorker } from "./worker-bundle.ts";

it("bundles once, and again as soon as a file that it was made from has changed", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "mio-bundle-test-"));
  const entry = join(folder.path, "entry.ts");
  const part = join(folder.path, "part.ts");
  const cache = join(folder.path, "cache");
  const objects = "export class UplinkObject {}\nexport class DirectoryObject {}\n";
  await writeFile(part, `export const answer = "first";\n`);
  const worker = `import { answer } from "./part.ts";\nexport default { fetch: () => new Response(answer) };\n`;
  await writeFile(entry, worker + objects);

  const first = await bundleWorker(entry, cache);
  expect(first).toContain("first");
  const [name = ""] = await readdir(cache);
  const kept = await readFile(join(cache, name), "utf8");
  await writeFile(join(cache, name), kept.replace("first", "kept"));
  expect(await bundleWorker(entry, cache)).toBe(first.replace("first", "kept"));

  await writeFile(part, `export const answer = "second";\n`);
  expect(await bundleWorker(entry, cache)).toContain("second");

  // A file that is broken is no bundle, and where none can be kept the Worker starts all the same.
  await writeFile(join(cache, name), "{");
  expect(await bundleWorker(entry, join(entry, "no-folder"))).toContain("second");
  expect(await bundleWorker(entry, cache)).toContain("second");
});
