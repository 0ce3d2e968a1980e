// The Worker as wrangler would bundle it, for miniflare here and in tests: one ES module, and the bindings that wrangler.toml names (a test
// compares the two).
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");

export const workerEntry = "edge/src/worker/entry.ts";
export const compatibilityDate = "2026-07-01";
/** Binding → class, each with SQLite storage. */
export const durableObjects = { UPLINK: "UplinkObject", DIRECTORY: "DirectoryObject" } as const;

export interface WorkerBindings {
  MIO_ENV: string;
  EDGE_REGION: string;
  NATS_WEBSOCKET_URL: string;
  NATS_USER: string;
  NATS_PASSWORD: string;
}

/** The Worker's code as one module, in some 100 ms. Throws what does not resolve. */
export async function bundleWorker(entry = join(root, workerEntry)): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    // nats.ws names node's crypto in a branch that no Worker takes.
    alias: { crypto: join(import.meta.dirname, "empty-module.ts") },
    absWorkingDir: root,
    logLevel: "silent",
  });
  const code = result.outputFiles[0]?.text;
  if (code === undefined) throw new Error(`${entry} was bundled to nothing`);
  return code;
}

/** What `new Miniflare` takes for the Worker itself; where it listens and stores is the caller's to add. */
export function workerOptions(code: string, bindings: WorkerBindings) {
  return {
    name: "mio-edge",
    modules: [{ type: "ESModule" as const, path: "entry.mjs", contents: code }],
    compatibilityDate,
    bindings: { ...bindings },
    durableObjects: Object.fromEntries(Object.entries(durableObjects).map(([binding, className]) => [binding, { className, useSQLite: true }])),
  };
}
