// A whole local system of its own for one scenario, in a temporary folder: fresh, so that everything on its streams belongs to the run.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import type { NodePart } from "@mio/local/servers/node-part.ts";
import type { Postgres } from "@mio/local/servers/postgres.ts";
import type { LocalSystem } from "@mio/local/system/local-file.ts";
import type { EdgeHost } from "@mio/local/system/start-parts.ts";
import { startSystem } from "@mio/local/system/system.ts";
import type { BusAccess } from "../judge/witness.ts";
import { startWire, type Wire } from "../kit/wire/wire.ts";
import { SimulatorClient } from "./simulator-client.ts";

export interface FaultSystemOptions {
  /** Channel types; the three platforms when left out. */
  channels?: readonly string[];
  /** Core processes; 1 when left out. */
  cores?: number;
  agent?: boolean;
  /** A proxy between the edge and the bus. */
  proxy?: boolean;
  /** What the edge is given for the bus, where it is not the proxy. */
  edgeBusFor?: (url: string) => string;
  edgeHost?: EdgeHost;
  edgeEnv?: Readonly<Record<string, string>>;
  coreEnv?: Readonly<Record<string, string>>;
  /** Simulated platforms that the caller runs, by channel type: their URLs. */
  platforms?: Readonly<Record<string, string>>;
}

export interface FaultSystem extends AsyncDisposable {
  dataDir: string;
  /** The operator's. */
  bus: BusAccess;
  /** All of them. */
  simulators: readonly SimulatorClient[];
  /** Those that the load is spread over. */
  platforms: readonly SimulatorClient[];
  testPlatform: SimulatorClient | undefined;
  nats: NatsServer;
  postgres: Postgres;
  edge: NodePart;
  core: NodePart;
  /** All of them, `core` first. */
  cores: readonly NodePart[];
  agent: NodePart | undefined;
  /** As in local.json, with the process ids of now. */
  info(): LocalSystem;
  proxy: Wire | undefined;
  /** The data folder stays when the run failed. */
  keepData(): void;
}

const platformChannels = ["zoho_cliq", "slack", "telegram"];

export async function startFaultSystem(
  options: FaultSystemOptions,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<FaultSystem> {
  const dataDir = await mkdtemp(join(tmpdir(), "mio-faults-"));
  // Postgres runs as another user when we are root, and must be able to pass through.
  await chmod(dataDir, 0o711);
  const proxy = options.proxy ? await startWire() : undefined;
  let keep = false;
  const running = await startSystem({
    dataDir,
    // Never the usual ones: while a part is dead another system could take its port, and everything would then talk to a stranger.
    ports: "any",
    channels: options.channels ?? platformChannels,
    ...(options.platforms ? { platforms: options.platforms } : {}),
    edgeHost: options.edgeHost ?? "worker",
    edgeEnv: options.edgeEnv ?? {},
    coreEnv: options.coreEnv ?? {},
    cores: options.cores ?? 1,
    withoutAgent: options.agent !== true,
    edgeBusFor: (url) => {
      return proxy?.leadTo(url) ?? options.edgeBusFor?.(url) ?? url;
    },
    progress,
    signal,
  }).catch(async (error: unknown) => {
    await proxy?.[Symbol.asyncDispose]();
    if (signal.aborted) await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
    else progress(`the system did not start; its logs are in ${dataDir}`);
    throw error;
  });
  const { nats, postgres, edge, cores, agent } = running.parts;
  const [core] = cores;
  if (!nats || !postgres || !core)
    throw new Error("a fault run starts servers of its own: unset MIO_NATS_URL and MIO_POSTGRES_DSN");
  const info = running.info();
  const simulators = Object.entries(info.simulators).map(([channelType, url]) => new SimulatorClient(channelType, url));
  return {
    dataDir,
    bus: { url: info.nats, user: info.operator.user, password: info.operator.password, inboxPrefix: info.operator.inbox_prefix },
    simulators,
    platforms: simulators.filter((simulator) => platformChannels.includes(simulator.channelType)),
    testPlatform: simulators.find((simulator) => simulator.channelType === "test"),
    nats,
    postgres,
    edge,
    core,
    cores,
    agent,
    info: running.info,
    proxy,
    keepData() {
      keep = true;
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      await proxy?.[Symbol.asyncDispose]();
      if (!keep) await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
