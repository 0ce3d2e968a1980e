// Runs the buf of node_modules, offline. Whoever needs another answer than success reads `code`.
import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this room, which is also buf's workspace. */
export const protoDir = dirname(fileURLToPath(import.meta.url));

export type BufResult = { code: number; output: string };

export function buf(args: readonly string[]): BufResult {
  // A path from the resolver and not from node_modules/.bin: a copied tree may have its packages further up.
  const bufBin = join(dirname(fileURLToPath(import.meta.resolve("@bufbuild/buf/package.json"))), "bin", "buf");
  const pluginBin = join(dirname(fileURLToPath(import.meta.resolve("@bufbuild/protoc-gen-es/package.json"))), "bin");
  // The plugin starts with `env node` and needs 22 or newer, so the node that runs us comes first.
  const path = [dirname(process.execPath), pluginBin, process.env["PATH"] ?? ""].join(delimiter);
  const result = spawnSync(process.execPath, [bufBin, ...args], {
    cwd: protoDir,
    env: { ...process.env, PATH: path },
    encoding: "utf8",
  });
  if (result.error) throw new Error(`running buf ${args.join(" ")}: ${result.error.message}`, { cause: result.error });
  return { code: result.status ?? 1, output: `${result.stdout}${result.stderr}`.trim() };
}

/** As `buf`, for what has to succeed. */
export function mustBuf(args: readonly string[]): void {
  const { code, output } = buf(args);
  if (code !== 0) throw new Error(`buf ${args.join(" ")} ended with ${code}:\n${output}`);
}
