// The runner against a tiny tree of its own, with real vitest: it must tell a caught fault from a missed one and from a rotten one.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyTree } from "./copy-tree.ts";
import { type Fault, sabotaged } from "./fault.ts";
import { sabotage } from "./sabotage.ts";

const run = promisify(execFile);
const home = join(import.meta.dirname, "../..");
let tree = "";

const doubles: Fault = {
  name: "doubles",
  description: "adds instead of multiplying",
  file: "room/src/twice.ts",
  find: "number * 2",
  replace: "number + 2",
  tests: [{ file: "room/src/twice.test.ts", name: /Q1: doubles/ }],
};

beforeAll(async () => {
  tree = await realpath(await mkdtemp(join(tmpdir(), "mio-tiny-tree-")));
  await mkdir(join(tree, "room/src"), { recursive: true });
  await mkdir(join(tree, "node_modules/@tiny"), { recursive: true });
  for (const entry of await readdir(join(home, "node_modules"))) {
    if (!entry.startsWith(".")) await symlink(join(home, "node_modules", entry), join(tree, "node_modules", entry));
  }
  await symlink(join(tree, "room"), join(tree, "node_modules/@tiny/room"));
  const files = {
    ".gitignore": "node_modules/\n",
    "package.json": JSON.stringify({ name: "tiny", type: "module", workspaces: ["room"] }),
    "room/package.json": JSON.stringify({ name: "@tiny/room", type: "module", exports: { "./*": "./src/*" } }),
    "room/src/twice.ts": "export const twice = (number: number) => number * 2;\n",
    // By the package's name, so that the link decides which tree is tested.
    "room/src/twice.test.ts": `import { expect, it } from "vitest";
import { twice } from "@tiny/room/twice.ts";
it("Q1: doubles three", () => expect(twice(3)).toBe(6));
it("Q2: doubles two", () => expect(twice(2)).toBe(4));
it("Q3: fails always", () => expect(1).toBe(2));
it("Q4: comes to an end", () => twice(3) === 6 || new Promise(() => {}), 300);
`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(tree, name), text);
  await run("git", ["init", "-q"], { cwd: tree });
});
afterAll(() => rm(tree, { recursive: true, force: true }));

it("names the test that fails, tells missed and rotten faults apart, and leaves the copy whole", async () => {
  await using copy = await copyTree(tree);
  const faults: Fault[] = [
    doubles,
    { ...doubles, name: "unseen", tests: [{ file: "room/src/twice.test.ts", name: /Q2: doubles/ }] },
    { ...doubles, name: "rotten", find: "number * 3" },
    { ...doubles, name: "no-such-test", tests: [{ file: "room/src/twice.test.ts", name: /Q9/ }] },
    { ...doubles, name: "red-before", tests: [{ file: "room/src/twice.test.ts", name: /Q3/ }] },
    { ...doubles, name: "syntax-error", replace: "number *" },
    { ...doubles, name: "out-of-time", tests: [{ file: "room/src/twice.test.ts", name: /Q4/ }] },
  ];
  const lines: string[] = [];
  const verdicts = await sabotage({ roots: [copy.root], faults, timeoutMs: 60_000, progress: (line) => lines.push(line) });
  const kinds = Object.fromEntries(verdicts.map(({ fault, outcome }) => [fault.name, outcome.kind]));
  expect(kinds).toEqual({
    doubles: "caught",
    unseen: "missed",
    rotten: "broken",
    "no-such-test": "broken",
    "red-before": "broken",
    "syntax-error": "broken",
    "out-of-time": "missed",
  });
  expect(verdicts[0]?.outcome).toMatchObject({ test: { file: "room/src/twice.test.ts", name: "Q1: doubles three" } });
  expect(await readFile(join(copy.root, "room/src/twice.ts"), "utf8")).toContain("number * 2");
  expect(lines.length).toBeGreaterThan(faults.length);
});

it("refuses a place that stands twice, and takes a text replacement literally", () => {
  expect(() => sabotaged("number * 2; number * 2", doubles)).toThrow("2 times");
  expect(sabotaged("x = number * 2", { ...doubles, replace: "$& + 2" })).toBe("x = $& + 2");
  expect(sabotaged("x = number * 2", { ...doubles, find: /(number) \* 2/, replace: "$1" })).toBe("x = number");
});
