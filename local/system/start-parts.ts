// What is started, with what, and in which order: platforms first, because what installing our app on them gives makes the accounts, and
// the accounts make the bus' permissions; then the bus; then core and the Worker; then the agent.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../servers/free-port.ts";
import { type NatsServer, startNatsServer } from "../servers/nats-server.ts";
import { type NodePart, startNodePart } from "../servers/node-part.ts";
import { type Postgres, startPostgres } from "../servers/postgres.ts";
import { type BusLogin, busAccess } from "./bus-access.ts";
import { requireNats, requirePostgres } from "./existing-servers.ts";
import type { LocalAccount, LocalSystem } from "./local-file.ts";
import { registerApp, writeOAuthApps } from "./oauth-apps.ts";
import { choosePorts, type Ports } from "./ports.ts";
import { provisionDatabase, servicesLogin } from "./provision-database.ts";
import { directoryKeysOf, type SealingKeys, secretKeysOf } from "./sealing-keys.ts";
import { installApp, type SimulatedAccount } from "./simulated-account.ts";
import type { EdgeHost, SystemOptions } from "./system-options.ts";
import type { Tier, Tiers } from "./tiers.ts";
import { waitUntilReady } from "./wait-until-ready.ts";

export interface Parts {
  /** Undefined when a server that was there already is used. */
  nats: NatsServer | undefined;
  postgres: Postgres | undefined;
  /** By channel type; without those that the caller runs. */
  simulators: Record<string, NodePart>;
  cores: NodePart[];
  edge: NodePart;
  agent: NodePart | undefined;
}

export interface Started {
  parts: Parts;
  info: Omit<LocalSystem, "pids">;
}

const coreServices = ["dedup", "media-vault", "sender", "admin", "telemetry"];

const root = join(import.meta.dirname, "../..");
const usualPorts = {
  edge: 8787,
  nats: 4222,
  natsWebsocket: 4223,
  natsMonitor: 8222,
  postgres: 5432,
  core: 8080,
  simulator: 4010,
};
const agentName = "echo";
const gibibyte = 1024 ** 3;
/** What the bus may keep on disk, and what of it the streams reserve; the rest is for the buckets. */
const storeBytesMax = 4 * gibibyte;
const streamBytesMax = 3 * gibibyte;

interface Context {
  options: SystemOptions & { progress: (line: string) => void };
  tiers: Tiers;
  ports: Ports;
  /** What seals the directory in core and opens it at the edge. */
  keys: SealingKeys;
  /** What seals accounts' secrets in the database. */
  secretKeys: SealingKeys;
}

export async function startParts(options: Context["options"], tiers: Tiers): Promise<Started> {
  const { dataDir, progress, existing } = options;
  await mkdir(join(dataDir, "logs"), { recursive: true, mode: 0o700 });
  const [keys, secretKeys] = await Promise.all([directoryKeysOf(dataDir), secretKeysOf(dataDir)]);
  const context = { options, tiers, ports: await choosePorts(dataDir, options.ports ?? "any"), keys, secretKeys };
  const edgePort = await edgePortOf(context);
  const edgeUrl = `http://127.0.0.1:${edgePort}`;

  if (existing?.postgresDsn !== undefined) await requirePostgres(existing.postgresDsn);
  if (existing?.nats) await requireNats(existing.nats);
  progress(
    existing?.postgresDsn === undefined ? "starting Postgres and the simulated platforms" : "starting the simulated platforms",
  );
  const [postgres, simulated] = await Promise.all([startDatabase(context), startSimulators(context, edgeUrl)]);
  const accounts = simulated.map(({ account }) => account);
  const oauthApps = await writeOAuthApps(
    dataDir,
    Object.fromEntries(simulated.map(({ account, oauthApp }) => [account.channelType, oauthApp])),
  );
  const dsn = postgres?.dsn ?? existing?.postgresDsn ?? "";

  if (!existing?.nats) progress("starting the bus");
  const accountIds = accounts.map((account) => account.accountId);
  const access = busAccess(agentName, accountIds, existing?.nats);
  const [nats] = await Promise.all([
    existing?.nats ? undefined : startBus(context, access.users),
    provisionDatabase(dsn, secretKeys, accounts),
  ]);
  const coreDsn = postgres === undefined ? dsn : await servicesLogin(dsn);
  const { url, websocketUrl } = nats ?? existing?.nats ?? { url: "", websocketUrl: "" };

  progress("starting core, the Worker and the agent");
  const edgeHost = options.edgeHost ?? "worker";
  const edgeDoor = edgeHost === "worker" ? websocketUrl : url;
  const edgeBusUrl = (await options.edgeBusFor?.(edgeDoor)) ?? edgeDoor;
  const [edge, ...cores] = await Promise.all([
    startEdge(context, edgeHost, edgePort, edgeBusUrl, access.edge),
    ...coreNames(options.cores ?? 1).map((name, index) =>
      startCore(context, name, usualPorts.core + index, url, access.core, { dsn: coreDsn, oauthApps }),
    ),
  ]);
  const coreUrls = cores.map((core) => `http://127.0.0.1:${String(core.ready().http_port)}`);
  const [agent] = await Promise.all([
    options.withoutAgent ? undefined : startAgent(context, url, access.agent, accountIds),
    ...coreUrls.map((core) => ready(context, "core", core)),
    ready(context, "the Worker", edgeUrl),
  ]);
  const simulators = Object.fromEntries(
    simulated.flatMap(({ account, part }) => (part === undefined ? [] : [[account.channelType, part]])),
  );
  return {
    parts: { nats, postgres, simulators, cores, edge, agent },
    info: {
      edge: edgeUrl,
      nats: url,
      nats_websocket: websocketUrl,
      postgres: dsn,
      simulators: Object.fromEntries(simulated.map((each) => [each.account.channelType, each.url])),
      core: coreUrls[0] ?? "",
      accounts: accounts.map(describe),
      oauth_apps: oauthApps,
      secret_keys: secretKeys.file,
      operator: { user: access.operator.user, password: access.operator.password, inbox_prefix: access.operator.inboxPrefix },
      data: dataDir,
    },
  };
}

async function startDatabase({ options, tiers, ports }: Context): Promise<Postgres | undefined> {
  if (options.existing?.postgresDsn !== undefined) return undefined;
  const port = await ports("postgres", usualPorts.postgres);
  return tiers.start("database", (signal) => startPostgres({ dataDir: join(options.dataDir, "postgres"), port, signal }));
}

async function startBus({ options, tiers, ports }: Context, users: ReturnType<typeof busAccess>["users"]): Promise<NatsServer> {
  const settings = {
    dataDir: join(options.dataDir, "nats"),
    port: await ports("nats", usualPorts.nats),
    websocketPort: await ports("nats_websocket", usualPorts.natsWebsocket),
    monitorPort: await ports("nats_monitor", usualPorts.natsMonitor),
    serverName: "mio-local",
    maxStoreBytes: storeBytesMax,
    users,
    report: options.progress,
  };
  return tiers.start("bus", (signal) => startNatsServer({ ...settings, signal }));
}

interface Simulated {
  part: NodePart | undefined;
  url: string;
  account: SimulatedAccount;
  oauthApp: Awaited<ReturnType<typeof registerApp>>;
}

/** One after the other gets its port, all start side by side. */
async function startSimulators(context: Context, edgeUrl: string): Promise<Simulated[]> {
  const { options, ports } = context;
  const given = await Promise.all(
    Object.entries(options.platforms ?? {}).map(async ([channel, url]) => {
      return { part: undefined, url, account: await installApp(url, channel, edgeUrl), oauthApp: undefined };
    }),
  );
  const chosen: [string, number][] = [];
  for (const [index, channel] of options.channels.entries()) {
    chosen.push([channel, await ports(`simulator_${channel}`, usualPorts.simulator + index)]);
  }
  const started = await Promise.all(
    chosen.map(async ([channel, port]) => {
      const state = join(options.dataDir, "simulators", `${channel}.json`);
      const args = [channel, "--port", String(port), "--state", state];
      const part = await startProgram(
        context,
        "platforms",
        `simulator_${channel}`,
        join(import.meta.dirname, "simulator.ts"),
        args,
        {},
      );
      const url = String(part.ready().url);
      const account = await installApp(url, channel, edgeUrl);
      return { part, url, account, oauthApp: await registerApp(url, channel, edgeUrl) };
    }),
  );
  return [...given, ...started];
}

async function startCore(
  context: Context,
  name: string,
  usual: number,
  natsUrl: string,
  login: BusLogin,
  { dsn, oauthApps }: { dsn: string; oauthApps: string },
): Promise<NodePart> {
  return startProgram(context, "core", name, join(root, "core/src/main.ts"), coreServices, {
    MIO_ENV: "local",
    MIO_NATS_URL: natsUrl,
    MIO_NATS_USER: login.user,
    MIO_NATS_PASSWORD: login.password,
    MIO_POSTGRES_DSN: dsn,
    MIO_HTTP_PORT: String(await context.ports(name, usual)),
    MIO_STREAM_BYTES_MAX: String(streamBytesMax),
    MIO_DIRECTORY_KEYS_FILE: context.keys.file,
    MIO_SECRET_KEYS_FILE: context.secretKeys.file,
    MIO_OAUTH_APPS_FILE: oauthApps,
    ...context.options.coreEnv,
  });
}

function startEdge(context: Context, host: EdgeHost, port: number, busUrl: string, login: BusLogin): Promise<NodePart> {
  const data = join(context.options.dataDir, "edge");
  const env = {
    MIO_ENV: "local",
    EDGE_REGION: "local",
    NATS_USER: login.user,
    NATS_PASSWORD: login.password,
    DIRECTORY_KEYS: context.keys.text,
    ...context.options.edgeEnv,
  };
  if (host === "worker") {
    const args = ["--port", String(port), "--data", data];
    const program = join(import.meta.dirname, "edge-worker.ts");
    return startProgram(context, "entrance", "edge", program, args, { ...env, NATS_WEBSOCKET_URL: busUrl });
  }
  return startProgram(context, "entrance", "edge", join(root, "edge/src/node/main.ts"), [], {
    ...env,
    NATS_URL: busUrl,
    MIO_HTTP_HOST: "127.0.0.1",
    MIO_HTTP_PORT: String(port),
    MIO_DATA: data,
  });
}

function startAgent(context: Context, natsUrl: string, login: BusLogin, accounts: readonly string[]): Promise<NodePart> {
  return startProgram(context, "entrance", "agent", join(root, "sdk/typescript/examples/echo-agent.ts"), [], {
    MIO_NATS_URL: natsUrl,
    MIO_NATS_USER: login.user,
    MIO_NATS_PASSWORD: login.password,
    MIO_AGENT_GROUP: agentName,
    MIO_AGENT_ACCOUNTS: accounts.join(","),
    ...context.options.agentEnv,
  });
}

function startProgram(
  { options, tiers }: Context,
  tier: Tier,
  name: string,
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<NodePart> {
  const logFile = join(options.dataDir, "logs", `${name}.log`);
  return tiers.start(tier, (signal) => startNodePart({ name, program, args, env, logFile, signal }));
}

/** A port that the user chose must be free; otherwise the usual one, or any. */
async function edgePortOf({ options, ports }: Context): Promise<number> {
  if (options.edgePort === undefined) return ports("edge", usualPorts.edge);
  if ((await freePort(options.edgePort)) === options.edgePort) return options.edgePort;
  throw new Error(`port ${options.edgePort} is in use: choose another with --port, or leave it out for a free one`);
}

/** Gives up as soon as a part ends meanwhile. */
async function ready({ tiers }: Context, name: string, url: string): Promise<void> {
  const broken = tiers.broken.then((line) => Promise.reject(new Error(line)));
  await Promise.race([waitUntilReady(name, `${url}/health/ready`, tiers.signal), broken]);
}

function coreNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? "core" : `core_${index + 1}`));
}

function describe(account: SimulatedAccount): LocalAccount {
  const [secret] = account.app.account.secrets;
  return {
    channel_type: account.channelType,
    tenant_id: account.tenantId,
    account_id: account.accountId,
    app_id: account.app.appId,
    webhook_url: account.webhookUrl,
    scheme: secret?.scheme ?? "",
    secret: secret?.value ?? "",
  };
}
