// The edge's hosts as processes of their own, in each variant, and what they are measured against.
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import { startLocalWorker } from "@mio/local/servers/worker.ts";
import { bundleWorker } from "@mio/local/servers/worker-bundle.ts";
import * as v from "valibot";
import { testDirectoryKeys } from "../../kit/bus/directory-keys.ts";
import { childrenNamed } from "./process-cpu.ts";
import type { Variant } from "./variants.ts";

export const hostNames = ["workerd", "node"] as const;
export type HostName = (typeof hostNames)[number];

export interface Host {
  port: number;
  pid: number;
  stop(): Promise<unknown>;
}

type Server = Pick<NatsServer, "url" | "websocketUrl">;

export function startHost(name: HostName, variant: Variant, server: Server, dataDir: string): Promise<Host> {
  return name === "workerd" ? startWorkerHost(variant, server, dataDir) : startNodeHost(variant, server, dataDir);
}

let bundled: Promise<string> | undefined;

async function startWorkerHost(variant: Variant, server: Server, dataDir: string): Promise<Host> {
  bundled ??= bundleWorker(join(import.meta.dirname, "worker-entry.ts"));
  const script = await bundled;
  const before = new Set(childrenNamed("workerd"));
  const worker = await startLocalWorker({
    dataDir,
    natsWebsocketUrl: server.websocketUrl,
    natsUser: "edge",
    natsPassword: "",
    directoryKeys: testDirectoryKeys,
    script,
    bindings: { BENCH_VARIANT: variant },
  });
  const pid = childrenNamed("workerd").find((each) => !before.has(each)) ?? 0;
  return { port: Number(new URL(worker.url).port), pid, stop: () => worker.stop() };
}

function startNodeHost(variant: Variant, server: Server, dataDir: string): Promise<Host> {
  return startProgram("node-entry.ts", {
    MIO_ENV: "local",
    EDGE_REGION: "local",
    NATS_URL: server.url,
    NATS_PASSWORD: "",
    DIRECTORY_KEYS: testDirectoryKeys,
    MIO_HTTP_HOST: "127.0.0.1",
    MIO_HTTP_PORT: "0",
    MIO_DATA: dataDir,
    BENCH_VARIANT: variant,
  });
}

/** A server that does nothing else than to read and to say 200. */
export function startBareServer(): Promise<Host> {
  return startProgram("bare-server.ts", {});
}

async function startProgram(file: string, env: Record<string, string>): Promise<Host> {
  // One log line a request goes nowhere, and is written all the same.
  const child = fork(join(import.meta.dirname, file), {
    env: { ...process.env, ...env },
    execArgv: process.env.BENCH_NODE_OPTIONS?.split(" ") ?? [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "close");
  const message: unknown = await Promise.race([once(child, "message").then(([first]) => first), ended.then(() => undefined)]);
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { port: Number(new URL(v.parse(v.object({ url: v.string() }), message).url).port), pid: child.pid ?? 0, stop };
}
