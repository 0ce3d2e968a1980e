// Three nats-servers that form one cluster, for what a single server answers differently.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@mio/local/servers/free-port.ts";
import { type ManagedProcess, startProcess } from "@mio/local/servers/managed-process.ts";
import { natsServerBinary } from "@mio/local/servers/nats-binary.ts";
import { eventually } from "../time/eventually.ts";
import { connectTo } from "./connection.ts";

export interface TestCluster extends AsyncDisposable {
  urls: string[];
  /** SIGKILL of one server. */
  kill(index: number): Promise<void>;
  start(index: number): Promise<void>;
}

const size = 3;
const readyWithinMs = 30_000;

/** Resolves when the cluster takes replicated streams. */
export async function testCluster(): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), "mio-cluster-"));
  const binary = await natsServerBinary();
  const ports = await Promise.all(
    Array.from({ length: size }, async () => ({ client: await freePort(), route: await freePort() })),
  );
  const processes: ManagedProcess[] = [];
  const start = async (index: number): Promise<void> => {
    const own = ports[index];
    if (!own) throw new Error(`there is no server ${index}`);
    const dataDir = join(folder, String(index));
    await mkdir(dataDir, { recursive: true });
    const config = {
      server_name: `s${index}`,
      host: "127.0.0.1",
      port: own.client,
      jetstream: { store_dir: dataDir, max_file_store: 1024 ** 3, max_memory_store: 64 * 1024 ** 2 },
      cluster: {
        name: "test",
        host: "127.0.0.1",
        port: own.route,
        routes: ports.map((each) => `nats-route://127.0.0.1:${each.route}`),
      },
    };
    const file = join(dataDir, "nats-server.conf");
    await writeFile(file, JSON.stringify(config));
    processes[index] = await startProcess({ command: binary, args: ["--config", file], logFile: join(dataDir, "log") });
  };
  const stop = async () => {
    await Promise.all(processes.map((each) => each.stop(0)));
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    for (let index = 0; index < size; index += 1) await start(index);
    const urls = ports.map((each) => `nats://127.0.0.1:${each.client}`);
    await untilReplicating(urls);
    return {
      urls,
      kill: async (index) => {
        processes[index]?.signal("SIGKILL");
        await processes[index]?.exited;
      },
      start,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    const log = await readFile(join(folder, "0", "log"), "utf8").catch(() => "");
    await stop();
    throw new Error(`the cluster did not come up: ${log.slice(-500)}`, { cause: error });
  }
}

async function untilReplicating(urls: string[]): Promise<void> {
  await eventually(
    "the cluster takes replicated streams",
    async () => {
      const nats = await connectTo(urls, { timeout: 1_000, maxReconnectAttempts: 0 });
      try {
        const manager = await nats.jetstreamManager();
        await manager.streams.add({ name: "READY", subjects: ["ready"], num_replicas: size });
        return await manager.streams.delete("READY");
      } finally {
        await nats.close();
      }
    },
    readyWithinMs,
  );
}
