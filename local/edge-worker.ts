// The edge Worker in a real workerd, as a process: `node local/edge-worker.ts --port <port> --data <folder>`. The Worker's settings come from
// MIO_ENV and friends; its durable objects keep their storage in the data folder. Miniflare leaves workerd behind when its own process is
// killed, so whoever starts this program gives it a process group of its own and ends the whole group.
import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Log, LogLevel, Miniflare } from "miniflare";
import { runPart } from "./part-program.ts";
import { bundleWorker, workerOptions } from "./worker-bundle.ts";

const workerdLookMs = 250;

const { values } = parseArgs({ options: { port: { type: "string", default: "0" }, data: { type: "string" } } });

await runPart("edge", async () => {
  const data = values.data;
  if (data === undefined) throw new Error("--data names the folder for the Worker's durable objects");
  await mkdir(data, { recursive: true });
  const miniflare = new Miniflare({
    ...workerOptions(await bundleWorker(), {
      MIO_ENV: process.env.MIO_ENV ?? "local",
      EDGE_REGION: process.env.EDGE_REGION ?? "local",
      NATS_WEBSOCKET_URL: required("NATS_WEBSOCKET_URL"),
      NATS_USER: process.env.NATS_USER ?? "",
      NATS_PASSWORD: process.env.NATS_PASSWORD ?? "",
    }),
    durableObjectsPersist: join(data, "durable-objects"),
    host: "127.0.0.1",
    port: Number(values.port),
    log: new Log(LogLevel.WARN),
    logRequests: false,
    cf: false,
  });
  const url = await miniflare.ready;
  const workerd = workerdOf(process.pid);
  const watch = setInterval(() => {
    if (workerd !== undefined && !lives(workerd)) {
      process.stderr.write("edge: workerd ended by itself\n");
      process.exit(1);
    }
  }, workerdLookMs);
  return {
    report: { url: url.origin, workerd_pid: workerd },
    stop: async () => {
      clearInterval(watch);
      await miniflare.dispose();
    },
  };
});

function workerdOf(parent: number): number | undefined {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" });
  for (const line of stdout.split("\n")) {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    if (match && Number(match[2]) === parent && /workerd/.test(match[3] ?? "")) return Number(match[1]);
  }
  return undefined;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
