// gen/ and the golden descriptors are committed; here they are made again and compared.
import { mkdtempDisposableSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { buf, protoDir } from "./buf.ts";
import { generateInto, goldenDescriptors, writeDescriptors } from "./generate.ts";
import { files } from "./registry.ts";

const remedy = "run `npm run proto` and commit what it changes";

it("passes buf lint and buf format", () => {
  expect(buf(["lint"])).toEqual({ code: 0, output: "" });
  expect(buf(["format", "--diff", "--exit-code"])).toEqual({ code: 0, output: "" });
});

it("has generated code that is what the .proto files say now", () => {
  using temp = mkdtempDisposableSync(join(tmpdir(), "mio-gen-"));
  generateInto(temp.path);
  const fresh = contents(join(temp.path, "gen"));
  const committed = contents(join(protoDir, "gen"));
  expect([...committed.keys()], remedy).toEqual([...fresh.keys()]);
  for (const [path, text] of fresh) expect(committed.get(path), `gen/${path} is stale: ${remedy}`).toBe(text);
});

it("has golden descriptors that are what the .proto files say now", () => {
  using temp = mkdtempDisposableSync(join(tmpdir(), "mio-descriptors-"));
  const fresh = join(temp.path, "descriptors.binpb");
  writeDescriptors(fresh);
  expect(readFileSync(goldenDescriptors).equals(readFileSync(fresh)), remedy).toBe(true);
});

it("lists every .proto file in the registry", () => {
  const onDisk = readdirSync(join(protoDir, "mio"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".proto"))
    .map((path) => `mio/${path}`);
  expect(files.map((file) => file.proto.name).sort()).toEqual(onDisk.sort());
});

function contents(dir: string): Map<string, string> {
  const paths = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(dir, path), "utf8")]));
}
