// The Worker's bundle exactly as wrangler would deploy it, without deploying: what runs locally and in tests is what ships.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");
const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin/wrangler.js");
const bundleWithinMs = 60_000;

export const deployedEnvironments = ["local", "staging", "production"] as const;

interface DryRun {
  /** The text of the one module that is uploaded. */
  script: string;
  /** What wrangler says of the upload: its bindings and variables, and its warnings. */
  said: string;
}

/** The script of production. Another entry than wrangler.toml's is for tests. Rejects with wrangler's complaint. */
export async function bundleWorker(entry?: string): Promise<string> {
  return (await deployDryRun("production", entry)).script;
}

/** `wrangler deploy --dry-run`. Rejects with wrangler's complaint. */
export async function deployDryRun(
  environment: (typeof deployedEnvironments)[number],
  entry = join(root, "edge/src/worker/entry.ts"),
): Promise<DryRun> {
  const outDir = await mkdtemp(join(tmpdir(), "mio-bundle-"));
  try {
    const config = join(root, "wrangler.toml");
    const args = [wrangler, "deploy", entry, "--config", config, "--env", environment, "--dry-run", "--outdir", outDir];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      cwd: root,
      timeout: bundleWithinMs,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: outDir, NO_COLOR: "1", CI: "1" },
    });
    const script = await readFile(join(outDir, basename(entry).replace(/\.ts$/, ".js")), "utf8");
    return { script, said: stdout + stderr };
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}
