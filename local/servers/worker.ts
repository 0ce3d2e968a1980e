// The Worker host on this machine: a real workerd with the bundle that ships, its Durable Objects' storage in a folder.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Environment } from "@mio/shared/channels/doors/doors-in.ts";
import { Log, LogLevel, Miniflare } from "miniflare";
import { bundleWorker } from "./worker-bundle.ts";

export interface LocalWorkerOptions {
  /** Keeps spools and the directory's copy; made when it is missing. */
  dataDir: string;
  /** A free one is chosen when left out. */
  port?: number;
  natsWebsocketUrl: string;
  natsUser: string;
  natsPassword: string;
  /** What opens the directory; a Worker without refuses everything. */
  directoryKeys: string | undefined;
  region?: string;
  /** Of one shard's spool; the edge's own limit when left out. */
  spoolBytesMax?: string | undefined;
  /** `local` when left out. */
  environment?: Environment;
  /** As `bundleWorker` gives it; bundled anew when left out. */
  script?: string;
  /** Further bindings, for an entry that is not the shipped one. */
  bindings?: Record<string, string>;
  /** Pieces of what the Worker and workerd print. */
  log?: (text: string) => void;
}

export interface LocalWorker extends AsyncDisposable {
  /** Such as `http://127.0.0.1:8787`. */
  readonly url: string;
  /** Ends workerd and waits for its end. */
  stop(): Promise<void>;
}

/** As wrangler.toml says; a test compares the two. */
export const compatibilityDate = "2026-07-01";

/** Resolves when the Worker answers. The caller must stop it, also on signals: workerd outlives a parent that was killed. */
export async function startLocalWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const contents = options.script ?? (await bundleWorker());
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const miniflare = new Miniflare({
    name: "mio-edge",
    modules: [{ type: "ESModule", path: "entry.js", contents }],
    compatibilityDate,
    // Straight to the Worker: miniflare's own entry in front of it would cost half of the throughput.
    unsafeDirectSockets: [{ host: "127.0.0.1", port: options.port ?? 0 }],
    host: "127.0.0.1",
    durableObjects: {
      UPLINK: { className: "UplinkObject", useSQLite: true },
      DIRECTORY: { className: "DirectoryObject", useSQLite: true },
    },
    durableObjectsPersist: join(options.dataDir, "durable-objects"),
    bindings: {
      MIO_ENV: options.environment ?? "local",
      EDGE_REGION: options.region ?? "local",
      NATS_WEBSOCKET_URL: options.natsWebsocketUrl,
      NATS_USER: options.natsUser,
      NATS_PASSWORD: options.natsPassword,
      ...(options.spoolBytesMax === undefined ? {} : { SPOOL_BYTES_MAX: options.spoolBytesMax }),
      ...(options.directoryKeys === undefined ? {} : { DIRECTORY_KEYS: options.directoryKeys }),
      ...options.bindings,
    },
    cf: false,
    log: new Log(LogLevel.WARN),
    logRequests: false,
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      for (const stream of [stdout, stderr]) stream.on("data", (data: Buffer) => options.log?.(data.toString("utf8")));
    },
  });
  const url = (await miniflare.unsafeGetDirectURL()).origin;
  const stop = () => miniflare.dispose();
  return { url, stop, [Symbol.asyncDispose]: stop };
}
