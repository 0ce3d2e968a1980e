// A small system with both hosts of the edge at once, each the edge of a region of its own with accounts of its own. All that it keeps lies
// in one folder, whose parts are what the golden state is made of.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@mio/local/servers/free-port.ts";
import { type NatsServer, startNatsServer } from "@mio/local/servers/nats-server.ts";
import { type NodePart, startNodePart } from "@mio/local/servers/node-part.ts";
import { serveFetch } from "@mio/local/servers/serve-fetch.ts";
import { type BusAccess, type BusLogin, busAccess } from "@mio/local/system/bus-access.ts";
import { directoryKeysOf, secretKeysOf } from "@mio/local/system/sealing-keys.ts";
import { waitUntilReady } from "@mio/local/system/wait-until-ready.ts";
import { simulatorKinds } from "@mio/shared/channels/doors/simulator.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { type AccountId, accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { randomOf } from "@mio/shared/random.ts";
import * as v from "valibot";

const root = join(import.meta.dirname, "../..");

/** A host's name is also its region's. */
export const hosts = ["worker", "node"] as const;
export type Host = (typeof hosts)[number];

export const channels = ["slack", "telegram", "zoho_cliq", "test"] as const;
export type Channel = (typeof channels)[number];

export const tenant = "golden";
const agentGroup = "echo";

const gibibyte = 1024 ** 3;

const installedSchema = v.object({
  appId: v.string(),
  account: v.object({
    externalId: v.string(),
    displayName: v.string(),
    settings: v.record(v.string(), v.string()),
    secrets: v.array(v.object({ scheme: v.string(), value: v.string() })),
    credential: v.string(),
  }),
});
type Installed = v.InferOutput<typeof installedSchema>;

/** A simulated platform in this process, whose world is one file. */
export interface Platform extends AsyncDisposable {
  channelType: Channel;
  url: string;
  /** A call of the control API (shared/src/channels/simulator/README.md). Throws when it is refused. */
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  /** The same name again gives the same app, and points its webhooks elsewhere; from then on `secret` signs them, where one is given. */
  install(name: string, webhookUrl: string, secret?: { scheme: string; value: string }): Promise<Installed>;
}

/** Our app of one host on one platform: that host's account there. */
export interface App {
  host: Host;
  platform: Platform;
  installed: Installed;
  accountId: AccountId;
  webhookUrl: string;
}

export async function startPlatform(folder: string, channelType: Channel): Promise<Platform> {
  const kind = simulatorKinds.find((each) => each.channelType === channelType);
  if (!kind) throw new Error(`there is no channel ${channelType}`);
  const file = join(folder, "platforms", `${channelType}.json`);
  await mkdir(join(folder, "platforms"), { recursive: true });
  let handle: (request: Request) => Promise<Response> = async () => Response.json({ error: "starting" }, { status: 503 });
  const server = await serveFetch(0, (request) => handle(request));
  const simulator = await kind.create({
    baseUrl: server.url,
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
    fetch: (url, init) => fetch(url, init),
    load: () => readFile(file, "utf8").catch(() => undefined),
    save: async (state) => {
      await writeFile(`${file}.new`, state);
      await rename(`${file}.new`, file);
    },
  });
  handle = (request) => simulator.fetch(request);
  const control: Platform["control"] = async (method, path, body) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await simulator.fetch(new Request(`${server.url}/_control/${path}`, init));
    const text = await response.text();
    if (!response.ok) throw new Error(`${channelType} refuses ${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
    return JSON.parse(text);
  };
  return {
    channelType,
    url: server.url,
    control,
    async install(name, webhook_url, secret) {
      return v.parse(installedSchema, await control("POST", "apps", { name, webhook_url, ...(secret ? { secret } : {}) }));
    },
    async [Symbol.asyncDispose]() {
      await simulator.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Installs a host's app on a platform, or finds it installed, with its webhooks pointed at the account's own URL at that host. */
export async function installApp(platform: Platform, host: Host, edgeUrl: string, name: string = host): Promise<App> {
  const channelUrl = `${edgeUrl}/webhooks/${platform.channelType.replaceAll("_", "-")}`;
  const { account } = await platform.install(name, channelUrl);
  const accountId = accountIdOf(tenantIdOf(tenant), platform.channelType, account.externalId);
  const webhookUrl = `${channelUrl}/${accountId}`;
  return { host, platform, accountId, webhookUrl, installed: await platform.install(name, webhookUrl) };
}

export interface System {
  folder: string;
  nats: NatsServer;
  access: BusAccess;
  dsn: string;
}

export async function startBus(folder: string, accounts: readonly AccountId[]): Promise<Pick<System, "nats" | "access">> {
  await mkdir(join(folder, "logs"), { recursive: true });
  const access = busAccess(agentGroup, accounts);
  const settings = { dataDir: join(folder, "bus"), serverName: "mio-golden", maxStoreBytes: 2 * gibibyte };
  return { nats: await startNatsServer({ ...settings, users: access.users }), access };
}

/** `name` is the log's. Resolves when the services are ready. */
export async function startCore({ folder, nats, access, dsn }: System, name: string, services: string[]): Promise<NodePart> {
  const part = await startPart(folder, name, "core/src/main.ts", services, {
    MIO_ENV: "local",
    MIO_REGIONS: hosts.join(","),
    MIO_NATS_URL: nats.url,
    ...coreLogin(access.core),
    MIO_POSTGRES_DSN: dsn,
    MIO_HTTP_PORT: "0",
    MIO_STREAM_BYTES_MAX: String(gibibyte),
    MIO_DIRECTORY_KEYS: (await directoryKeysOf(folder)).text,
    MIO_SECRET_KEYS: (await secretKeysOf(folder)).text,
    // Quicker than the default, and still patient with a machine that is busy: an attempt at a platform may take as long as this.
    MIO_OWNERSHIP_HEARTBEAT_MS: "1000",
    MIO_OWNERSHIP_CLAIM_AFTER_MS: "6000",
  });
  await ready(name, `http://127.0.0.1:${String(part.ready().http_port)}`, part);
  return part;
}

/** The spool lies in `spool-<host>`. */
export async function startEdge({ folder, nats, access }: System, host: Host, port: number): Promise<NodePart> {
  const data = join(folder, `spool-${host}`);
  const env = {
    MIO_ENV: "local",
    EDGE_REGION: host,
    NATS_USER: access.edge.user,
    NATS_PASSWORD: access.edge.password,
    DIRECTORY_KEYS: (await directoryKeysOf(folder)).text,
  };
  const part =
    host === "worker"
      ? await startPart(folder, host, "local/system/edge-worker.ts", ["--port", String(port), "--data", data], {
          ...env,
          NATS_WEBSOCKET_URL: nats.websocketUrl,
        })
      : await startPart(folder, host, "edge/src/node/main.ts", [], {
          ...env,
          NATS_URL: nats.url,
          MIO_HTTP_HOST: "127.0.0.1",
          MIO_HTTP_PORT: String(port),
          MIO_DATA: data,
        });
  await ready(host, `http://127.0.0.1:${port}`, part);
  return part;
}

export function startAgent({ folder, nats, access }: System, accounts: readonly AccountId[]): Promise<NodePart> {
  return startPart(folder, "agent", "sdk/typescript/examples/echo-agent.ts", [], {
    MIO_NATS_URL: nats.url,
    ...coreLogin(access.agent),
    MIO_AGENT_GROUP: agentGroup,
    MIO_AGENT_ACCOUNTS: accounts.join(","),
    MIO_AGENT_THINKING_MS: "0",
  });
}

/** Chosen before the hosts start, for the platforms must know their URLs. */
export async function edgePorts(): Promise<Record<Host, number>> {
  return { worker: await freePort(), node: await freePort() };
}

export function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function coreLogin({ user, password }: BusLogin): Record<string, string> {
  return { MIO_NATS_USER: user, MIO_NATS_PASSWORD: password };
}

function startPart(
  folder: string,
  name: string,
  program: string,
  args: string[],
  env: Record<string, string>,
): Promise<NodePart> {
  return startNodePart({ name, program: join(root, program), args, env, logFile: join(folder, "logs", `${name}.log`) });
}

/** A part that does not become ready does not stay behind. */
async function ready(name: string, url: string, part: NodePart): Promise<void> {
  const ended = new AbortController();
  void part.exited.then(() => ended.abort(new Error(`${name} ended before it was ready`)));
  try {
    await waitUntilReady(name, `${url}/health/ready`, ended.signal);
  } catch (error) {
    await part.stop();
    throw error;
  }
}
