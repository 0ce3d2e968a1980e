// Runs the buf of node_modules, offline. Whoever needs another answer than success reads `code`.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

/** The folder of this room, which is also buf's workspace. */
export const protoDir = import.meta.dirname;

export type BufResult = { code: number; output: string };

export function buf(args: readonly string[], cwd: string = protoDir): BufResult {
  const result = spawnSync(process.execPath, [join(packageDir("@bufbuild/buf"), "bin", "buf"), ...args], {
    cwd,
    env: { ...process.env, PATH: searchPath() },
    encoding: "utf8",
  });
  if (result.error) throw new Error(`running buf ${args.join(" ")}: ${result.error.message}`, { cause: result.error });
  return { code: result.status ?? 1, output: `${result.stdout}${result.stderr}`.trim() };
}

/** As `buf`, for what has to succeed. */
export function mustBuf(args: readonly string[], cwd: string = protoDir): string {
  const { code, output } = buf(args, cwd);
  if (code !== 0) throw new Error(`buf ${args.join(" ")} ended with ${code}:\n${output}`);
  return output;
}

/** buf finds its plugin on PATH. The plugin starts with `env node` and needs 22 or newer, so the node that runs us comes first. */
function searchPath(): string {
  return [dirname(process.execPath), join(packageDir("@bufbuild/protoc-gen-es"), "bin"), process.env.PATH ?? ""].join(delimiter);
}

/** Asks the resolver instead of assuming ../node_modules: a copied tree may have its packages further up. */
function packageDir(name: string): string {
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
}
