// A copy of the tree to break things in. What git tracks or would track is copied; packages are shared by links, but the workspaces'
// own links point into the copy, or the tests would read the unbroken original.
import { execFile } from "node:child_process";
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";

const run = promisify(execFile);

export interface TreeCopy extends AsyncDisposable {
  readonly root: string;
}

const packageJson = v.object({ workspaces: v.optional(v.array(v.string()), []) });
const workspaceJson = v.object({ name: v.string() });

/** Copies the tree at `root`, with changes that are not committed yet. Removed when disposed of. */
export async function copyTree(root: string): Promise<TreeCopy> {
  // The real path: a temporary folder behind a link would make two names of each module.
  const copy = await realpath(await mkdtemp(join(tmpdir(), "mio-sabotage-")));
  try {
    for (const file of await filesOf(root)) {
      await mkdir(dirname(join(copy, file)), { recursive: true });
      await cp(join(root, file), join(copy, file), { verbatimSymlinks: true });
    }
    await linkPackages(root, copy);
  } catch (error) {
    await rm(copy, { recursive: true, force: true });
    throw error;
  }
  return { root: copy, [Symbol.asyncDispose]: () => rm(copy, { recursive: true, force: true, maxRetries: 3 }) };
}

async function filesOf(root: string): Promise<string[]> {
  const { stdout } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  const listed = [...new Set(stdout.split("\0").filter((file) => file !== ""))];
  const present = await Promise.all(listed.map((file) => exists(join(root, file))));
  return listed.filter((_, index) => present[index]);
}

async function linkPackages(root: string, copy: string): Promise<void> {
  const { workspaces } = v.parse(packageJson, JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  const modules = join(copy, "node_modules");
  await mkdir(modules);
  const scopes = new Set<string>();
  for (const workspace of workspaces) {
    const { name } = v.parse(workspaceJson, JSON.parse(await readFile(join(root, workspace, "package.json"), "utf8")));
    const scope = dirname(name);
    if (scope !== ".") scopes.add(scope);
    await mkdir(join(modules, scope), { recursive: true });
    await symlink(join(copy, workspace), join(modules, name));
  }
  for (const entry of await readdir(join(root, "node_modules")).catch(() => [])) {
    // Caches of tools stay behind: they would be shared with the original.
    if (scopes.has(entry) || (entry.startsWith(".") && entry !== ".bin")) continue;
    if (!(await exists(join(modules, entry)))) await symlink(join(root, "node_modules", entry), join(modules, entry));
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
