// The Worker's bundle exactly as wrangler would deploy it, without deploying: what runs locally and in tests is what ships.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "@mio/shared/channels/doors/doors-in.ts";
import * as v from "valibot";

const root = join(import.meta.dirname, "../..");
const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin/wrangler.js");
const shippedEntry = join(root, "edge/src/worker/entry.ts");
const bundleWithinMs = 60_000;

const metafileSchema = v.object({ inputs: v.record(v.string(), v.unknown()) });

interface DryRun {
  /** The text of the one module that is uploaded. */
  script: string;
  /** What wrangler says of the upload: its bindings and variables, and its warnings. */
  said: string;
  /** What it was made from, relative to the root: our own files, and what says which packages there are. */
  inputs: string[];
}

/**
 * The script of production. Another entry than wrangler.toml's is for tests. What was bundled from the very same files before is not
 * bundled again: starting wrangler costs seconds. Rejects with wrangler's complaint.
 */
export async function bundleWorker(entry = shippedEntry, cacheDir = join(root, "node_modules/.cache/mio")): Promise<string> {
  const file = join(cacheDir, `worker-${sha256(relative(root, entry)).slice(0, 16)}.json`);
  const kept = await readKept(file);
  if (kept !== undefined) return kept;
  const { script, inputs } = await deployDryRun("production", entry);
  // Where nothing can be kept, as in a read-only installation, each start bundles anew, as it did before.
  await keep(file, script, inputs).catch(() => {});
  return script;
}

async function keep(file: string, script: string, inputs: readonly string[]): Promise<void> {
  const hashes = await Promise.all(inputs.map(async (input) => [input, await hashOf(input)]));
  await mkdir(dirname(file), { recursive: true });
  // Several processes may bundle at the same time: each writes a file of its own, and the last one stays.
  const own = `${file}.${process.pid}`;
  await writeFile(own, JSON.stringify({ script, inputs: Object.fromEntries(hashes) }));
  await rename(own, file);
}

const keptSchema = v.object({ script: v.string(), inputs: v.record(v.string(), v.string()) });

/** Undefined when nothing was kept that can be read, or one of its files has changed since. */
async function readKept(file: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const kept = v.safeParse(v.pipe(v.string(), v.parseJson(), keptSchema), text);
  if (!kept.success) return undefined;
  const { script, inputs } = kept.output;
  const same = await Promise.all(Object.entries(inputs).map(async ([input, hash]) => (await hashOf(input)) === hash));
  return same.every(Boolean) ? script : undefined;
}

async function hashOf(input: string): Promise<string> {
  return sha256(await readFile(resolve(root, input), "utf8").catch(() => "missing"));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** `wrangler deploy --dry-run`. Rejects with wrangler's complaint. */
export async function deployDryRun(environment: Environment, entry = shippedEntry): Promise<DryRun> {
  const outDir = await mkdtemp(join(tmpdir(), "mio-bundle-"));
  try {
    const config = join(root, "wrangler.toml");
    const args = [
      wrangler,
      "deploy",
      entry,
      "--config",
      config,
      "--env",
      environment,
      "--dry-run",
      "--outdir",
      outDir,
      "--metafile",
    ];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      cwd: root,
      timeout: bundleWithinMs,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: outDir, NO_COLOR: "1", CI: "1" },
    });
    const script = await readFile(join(outDir, basename(entry).replace(/\.ts$/, ".js")), "utf8");
    const { inputs } = v.parse(metafileSchema, JSON.parse(await readFile(join(outDir, "bundle-meta.json"), "utf8")));
    const own = Object.keys(inputs).filter((input) => !input.includes("node_modules/"));
    return { script, said: stdout + stderr, inputs: [...own, "wrangler.toml", "package-lock.json"] };
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}
