// One nats-server with JetStream on files and a WebSocket door, on the loopback only. Its users and what each may do are data in a
// configuration file that only its owner can read; passwords never stand on a command line.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { freePort } from "./free-port.ts";
import { type ManagedProcess, startProcess } from "./managed-process.ts";
import { natsServerBinary } from "./nats-binary.ts";
import { Part } from "./part.ts";

export interface NatsUser {
  user: string;
  password: string;
  /** Left out: everything. */
  permissions?: { publish: SubjectRules; subscribe: SubjectRules; allow_responses?: boolean };
}

/** Deny wins over allow. */
interface SubjectRules {
  allow: readonly string[];
  deny?: readonly string[];
}

export interface NatsServerOptions {
  /** Holds the configuration, the log and the streams; made when it is missing. */
  dataDir: string;
  /** Free ones are found for those left out. */
  port?: number;
  websocketPort?: number;
  monitorPort?: number;
  /** None: everybody may do everything. */
  users?: readonly NatsUser[];
  /** fsync before every acknowledgement, as in production. */
  syncAlways?: boolean;
  /** Disk that all streams together may reserve; 8 GiB when left out. */
  maxStoreBytes?: number;
  serverName?: string;
  report?: (line: string) => void;
  /** Gives up the start, or ends the server. */
  signal?: AbortSignal | undefined;
}

export class NatsServer extends Part {
  readonly url: string;
  readonly websocketUrl: string;
  readonly monitorUrl: string;
  readonly port: number;
  readonly websocketPort: number;
  readonly logFile: string;

  constructor(first: ManagedProcess, start: () => Promise<ManagedProcess>, ports: Ports, logFile: string) {
    super("nats-server", first, start);
    this.url = `nats://127.0.0.1:${ports.client}`;
    this.websocketUrl = `ws://127.0.0.1:${ports.websocket}`;
    this.monitorUrl = `http://127.0.0.1:${ports.monitor}`;
    this.port = ports.client;
    this.websocketPort = ports.websocket;
    this.logFile = logFile;
  }
}

const readyWithinMs = 30_000;
const startAttemptsMax = 3;

/** Resolves when clients can connect and the streams of an earlier run are back. */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const binary = await natsServerBinary(options.report, options.signal);
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const configFile = join(options.dataDir, "nats-server.conf");
  const logFile = join(options.dataDir, "nats-server.log");
  const serverName = options.serverName ?? `mio-${randomBytes(4).toString("hex")}`;
  const chooses = options.port === undefined || options.websocketPort === undefined || options.monitorPort === undefined;

  for (let attempt = 1; ; attempt++) {
    const ports = {
      client: options.port ?? (await freePort()),
      websocket: options.websocketPort ?? (await freePort()),
      monitor: options.monitorPort ?? (await freePort()),
    };
    await writeFile(configFile, configuration(options, ports, serverName), { mode: 0o600 });
    const start = () => startAndWait(binary, configFile, logFile, options.signal);
    try {
      return new NatsServer(await start(), start, ports, logFile);
    } catch (error) {
      // Somebody took a port between our look and its listening; with other ports it may work.
      if (!chooses || options.signal?.aborted || attempt >= startAttemptsMax) throw error;
    }
  }
}

interface Ports {
  client: number;
  websocket: number;
  monitor: number;
}

async function startAndWait(
  binary: string,
  configFile: string,
  logFile: string,
  signal: AbortSignal | undefined,
): Promise<ManagedProcess> {
  const server = await startProcess({ command: binary, args: ["--config", configFile], logFile, signal });
  const deadline = performance.now() + readyWithinMs;
  while (server.running && performance.now() < deadline) {
    if (await listens(dirname(configFile), server.pid)) return server;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await server.stop(0);
  throw new Error(`nats-server did not come up: ${await lastComplaint(logFile)}`);
}

/**
 * The server writes a file `…_<pid>.ports` once JetStream has recovered and every door is open. A connection would not do as a sign: the
 * port may be another server's.
 */
async function listens(folder: string, pid: number): Promise<boolean> {
  const name = (await readdir(folder)).find((each) => each.endsWith(`_${pid}.ports`));
  if (name === undefined) return false;
  await rm(join(folder, name), { force: true });
  return true;
}

/** JSON is valid nats-server configuration. */
function configuration(options: NatsServerOptions, ports: Ports, serverName: string): string {
  // Only these two fields: the server refuses a configuration with one that it does not know.
  const users = (options.users ?? []).map(({ user, password, permissions }) => {
    if (!permissions) return { user, password };
    const { publish, subscribe, allow_responses = false } = permissions;
    return { user, password, permissions: { publish, subscribe, ...(allow_responses ? { allow_responses } : {}) } };
  });
  const config = {
    server_name: serverName,
    ports_file_dir: options.dataDir,
    host: "127.0.0.1",
    port: ports.client,
    http: `127.0.0.1:${ports.monitor}`,
    jetstream: {
      store_dir: join(options.dataDir, "jetstream"),
      max_file_store: options.maxStoreBytes ?? 8 * 1024 ** 3,
      max_memory_store: 64 * 1024 ** 2,
      ...(options.syncAlways ? { sync_interval: "always" } : {}),
    },
    websocket: { host: "127.0.0.1", port: ports.websocket, no_tls: true },
    ...(users.length > 0 ? { authorization: { users } } : {}),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

async function lastComplaint(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, "utf8").catch(() => "")).trimEnd().split("\n");
  const complaint = lines.findLast((line) => /\[(FTL|ERR)\]|error|nats-server:/.test(line)) ?? lines.at(-1);
  return complaint?.replace(/^\[\d+\] \S+ \S+ /, "") || `nothing was written to ${logFile}`;
}
