// A whole local system of its own for one run, in a temporary folder: fresh, so that everything on its streams belongs to the run.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import type { NodePart } from "@mio/local/servers/node-part.ts";
import type { Postgres } from "@mio/local/servers/postgres.ts";
import type { LocalSystem } from "@mio/local/system/local-file.ts";
import { startSystem } from "@mio/local/system/system.ts";
import type { EdgeHost } from "@mio/local/system/system-options.ts";
import type { BusAccess } from "../judge/witness.ts";

export interface FaultSystemOptions {
  /** Simulated platforms that the caller runs, by channel type: their URLs. */
  platforms: Readonly<Record<string, string>>;
  edgeHost: EdgeHost;
  /** With the example agent. */
  agent: boolean;
  /** Core processes. */
  cores: number;
  edgeEnv: Readonly<Record<string, string>>;
  coreEnv: Readonly<Record<string, string>>;
  /** What the edge is given for the bus, where there is a wire between; the bus itself when left out. */
  edgeBusFor?: (url: string) => string;
}

export interface FaultSystem extends AsyncDisposable {
  dataDir: string;
  /** The operator's. */
  bus: BusAccess;
  nats: NatsServer;
  postgres: Postgres;
  edge: NodePart;
  core: NodePart;
  /** All of them, `core` first. */
  cores: readonly NodePart[];
  agent: NodePart | undefined;
  /** As in local.json, with the process ids of now. */
  info(): LocalSystem;
  /** The data folder stays when the run failed. */
  keepData(): void;
}

export async function startFaultSystem(
  { agent: withAgent, ...options }: FaultSystemOptions,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<FaultSystem> {
  const dataDir = await mkdtemp(join(tmpdir(), "mio-faults-"));
  // Postgres runs as another user when we are root, and must be able to pass through.
  await chmod(dataDir, 0o711);
  let keep = false;
  const running = await startSystem({
    dataDir,
    // Never the usual ones: while a part is dead another system could take its port, and everything would then talk to a stranger.
    ports: "any",
    channels: [],
    ...options,
    withoutAgent: !withAgent,
    progress,
    signal,
  }).catch(async (error: unknown) => {
    if (signal.aborted) await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
    else progress(`the system did not start; its logs are in ${dataDir}`);
    throw error;
  });
  const { nats, postgres, edge, cores, agent } = running.parts;
  const [core] = cores;
  if (!nats || !postgres || !core)
    throw new Error("a fault run starts servers of its own: unset MIO_NATS_URL and MIO_POSTGRES_DSN");
  const info = running.info();
  return {
    dataDir,
    bus: { url: info.nats, user: info.operator.user, password: info.operator.password, inboxPrefix: info.operator.inbox_prefix },
    nats,
    postgres,
    edge,
    core,
    cores,
    agent,
    info: running.info,
    keepData() {
      keep = true;
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      if (!keep) await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
