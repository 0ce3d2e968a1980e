// The Node host as a process of its own with the tests' channel; storage in a folder that outlives a restart.
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import * as v from "valibot";
import { testDirectoryKeys } from "../bus/directory-keys.ts";
import { edgeUser } from "./bus.ts";
import { type HostKind, type HostOptions, type TestHost, tcp } from "./host.ts";
import { limitsVariable } from "./uplink-parts.ts";

export const nodeHost: HostKind = { name: "the Node host", carrier: tcp, start: startNodeProcess };

export interface NodeProcess extends TestHost {
  child: ChildProcess;
}

const ready = v.object({ kind: v.literal("ready"), url: v.string() });

/** Rejects with what the process said when it ends before it is ready. */
export async function startNodeProcess(options: HostOptions & { variables?: Record<string, string> }): Promise<NodeProcess> {
  const { dataDir, busUrl, directoryKeys = testDirectoryKeys, doors } = options;
  const lines: string[] = [];
  const env = {
    MIO_ENV: "local",
    EDGE_REGION: "local",
    NATS_URL: busUrl,
    NATS_USER: edgeUser.user,
    NATS_PASSWORD: edgeUser.password,
    DIRECTORY_KEYS: directoryKeys,
    MIO_HTTP_HOST: "127.0.0.1",
    MIO_HTTP_PORT: "0",
    MIO_DATA: dataDir,
    ...(options.uplinkLimits ? { [limitsVariable]: JSON.stringify(options.uplinkLimits) } : {}),
    ...options.variables,
  };
  const child = spawnNodeHost(env, [], doors === "platforms" ? "../../../edge/src/node/main.ts" : "node-entry.ts");
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data) => lines.push(...String(data).trimEnd().split("\n")));
  const exited = once(child, "exit");
  const message = await Promise.race([
    once(child, "message").then(([given]) => v.parse(ready, given)),
    // With all that it said.
    once(child, "close").then(() => undefined),
  ]);
  if (message === undefined) throw new Error(lines.at(-1) ?? "the host ended and said nothing");
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    child.kill(signal);
    await exited;
  };
  const fileBytesMax = (limit: string) => execFileSync("prlimit", ["--pid", String(child.pid), `--fsize=${limit}:unlimited`]);
  return {
    child,
    url: message.url,
    lines,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    // Of the real disk: the kernel refuses every write to a file of this process, as a full one would.
    breakStorage: async () => void fileBytesMax("0"),
    mendStorage: async () => void fileBytesMax("unlimited"),
  };
}

/** With nothing else in its environment. */
export function spawnNodeHost(
  env: Record<string, string>,
  words: readonly string[] = [],
  program = "node-entry.ts",
): ChildProcess {
  return fork(join(import.meta.dirname, program), words, { env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
}
