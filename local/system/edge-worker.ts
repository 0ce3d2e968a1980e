// The edge Worker in a real workerd, as a process: `node local/system/edge-worker.ts --port <port> --data <folder>`, with the settings of wrangler.toml's
// local environment in its own environment. Miniflare leaves workerd behind when its process is killed, so whoever starts this program
// gives it a process group of its own and ends the whole group; and when workerd ends by itself, so does this.
import { spawnSync } from "node:child_process";
import { runPart } from "../servers/part-program.ts";
import { startLocalWorker } from "../servers/worker.ts";
import { portOf, wordsOf } from "../words.ts";

const workerdLookMs = 250;

const usage = "Usage: node local/system/edge-worker.ts --data <folder> [--port <port>]";
const { values } = wordsOf("edge", usage, { options: { port: { type: "string", default: "0" }, data: { type: "string" } } });

await runPart("edge", async () => {
  if (values.data === undefined) throw new Error("--data names the folder for the Worker's durable objects");
  const worker = await startLocalWorker({
    dataDir: values.data,
    port: portOf(values.port),
    region: process.env.EDGE_REGION ?? "local",
    natsWebsocketUrl: required("NATS_WEBSOCKET_URL"),
    natsUser: process.env.NATS_USER || "edge",
    natsPassword: process.env.NATS_PASSWORD ?? "",
    spoolBytesMax: process.env.SPOOL_BYTES_MAX,
    directoryKeys: required("DIRECTORY_KEYS"),
    log: (line) => void process.stdout.write(line),
  });
  const workerd = workerdOf(process.pid);
  const watch = setInterval(() => {
    if (workerd === undefined || lives(workerd)) return;
    process.stderr.write("edge: workerd ended by itself\n");
    process.exit(1);
  }, workerdLookMs);
  return {
    report: { url: worker.url, workerd_pid: workerd },
    stop: async () => {
      clearInterval(watch);
      await worker.stop();
    },
  };
});

function workerdOf(parent: number): number | undefined {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" });
  for (const line of (stdout ?? "").split("\n")) {
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
