// Configuration, read once at the start into one typed record. Nobody else reads the environment.

import { readFileSync } from "node:fs";
import { parseSealingKeys, type SealingKey, sealingKeysExample } from "@mio/shared/bus/wire/sealed-value.ts";
import { type Environment, environments } from "@mio/shared/channels/doors/doors-in.ts";
import * as v from "valibot";
import { type OAuthApps, oauthAppsExample, parseOAuthApps } from "./oauth-apps.ts";

export interface Config {
  /** `local` allows checkpoints and R1 streams; anything else is production-like. */
  environment: Environment;
  natsUrls: string[];
  natsUser: string | undefined;
  natsPassword: string | undefined;
  postgresDsn: string;
  postgresPoolMax: number;
  /** Loopback locally, all addresses in a pod. */
  httpHost: string;
  /** 0: any free port. */
  httpPort: number;
  logLevel: "debug" | "info" | "warn" | "error";
  streamReplicas: number;
  /** Disk that all streams together may reserve on the bus. */
  streamBytesMax: number;
  /**
   * Partitions of the readers that hash conversations. Changing it moves lanes to partitions with other positions, and what such a lane has not
   * finished below its new one is never read: first let media-vault catch up without new messages, then stop all replicas.
   */
  partitions: number;
  /** Regions whose ingress shards are read even before the first message. */
  regions: string[];
  /** What seals the edge's directory: the first seals, all open. Empty when not set; only admin needs them. */
  directoryKeys: readonly SealingKey[];
  /** What seals accounts' secrets in the database: the first seals, all open. Empty when not set; only admin and sender need them. */
  secretKeys: readonly SealingKey[];
  /** How often the directory is compared with Postgres when nothing notified. */
  directoryIntervalMs: number;
  /** Our apps at the platforms whose workspaces may be connected by OAuth, by channel type; only admin uses them. */
  oauthApps: OAuthApps;
  ownership: { heartbeatMs: number; claimAfterMs: number };
  /** `<checkpoint>:<kill|pause>[:<skip>]`, only in the local environment (fault runs). */
  checkpoint: string | undefined;
}

const gibibyte = 1024 ** 3;

/** Name, what it is for, an example of a good value, and how the text becomes a value. */
interface Variable<T> {
  example: string;
  fallback?: string;
  schema: v.GenericSchema<string, T>;
}

const whole = (min: number, max: number) =>
  v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number), v.integer(), v.minValue(min), v.maxValue(max));
const list = v.pipe(
  v.string(),
  v.minLength(1),
  v.transform((text) => text.split(",").map((each) => each.trim())),
);

const sealingKeys = v.pipe(v.string(), v.transform(parseSealingKeys), v.custom<SealingKey[]>(Array.isArray));

const oauthApps = v.pipe(
  v.string(),
  v.transform(parseOAuthApps),
  v.custom<OAuthApps>((apps) => apps !== undefined),
);

const variables = {
  MIO_ENV: variable(v.picklist(environments), "production", "production"),
  MIO_NATS_URL: variable(list, "nats://nats:4222"),
  MIO_POSTGRES_DSN: variable(
    v.pipe(
      v.string(),
      v.regex(/^postgres(ql)?:\/\//),
      v.check((text) => URL.canParse(text)),
    ),
    "postgres://mio:secret@postgres:5432/mio",
  ),
  MIO_POSTGRES_POOL_MAX: variable(whole(2, 200), "20", "20"),
  MIO_HTTP_HOST: variable(v.pipe(v.string(), v.minLength(1)), "0.0.0.0", "0.0.0.0"),
  MIO_HTTP_PORT: variable(whole(0, 65_535), "8080", "8080"),
  MIO_LOG_LEVEL: variable(v.picklist(["debug", "info", "warn", "error"]), "info", "info"),
  MIO_STREAM_REPLICAS: variable(whole(1, 5), "3", "3"),
  MIO_STREAM_BYTES_MAX: variable(whole(gibibyte / 16, 2 ** 50), String(20 * gibibyte), String(20 * gibibyte)),
  MIO_PARTITIONS: variable(whole(1, 256), "8", "8"),
  MIO_REGIONS: variable(list, "local", "local"),
  MIO_DIRECTORY_KEYS: variable(sealingKeys, sealingKeysExample),
  MIO_SECRET_KEYS: variable(sealingKeys, sealingKeysExample),
  MIO_DIRECTORY_INTERVAL_MS: variable(whole(100, 3_600_000), "10000", "10000"),
  MIO_OAUTH_APPS: variable(oauthApps, oauthAppsExample, "{}"),
  MIO_OWNERSHIP_HEARTBEAT_MS: variable(whole(50, 60_000), "3000", "3000"),
  MIO_OWNERSHIP_CLAIM_AFTER_MS: variable(whole(100, 600_000), "10000", "10000"),
};

type Variables = Readonly<Record<string, string | undefined>>;

function readVariable<T>(env: Variables, name: keyof typeof variables, from: Variable<T>): T {
  const text = textOf(env, name) ?? from.fallback;
  if (text === undefined) throw new ConfigError(`${name} is not set; set it like ${name}=${from.example}`);
  const parsed = v.safeParse(from.schema, text);
  if (!parsed.success) throw new ConfigError(`${name} has no good value; set it like ${name}=${from.example}`);
  return parsed.output;
}

/** What `mio install start` shares with core. Throws as `readConfig`. */
export function readOAuthApps(env: Variables): OAuthApps {
  return readVariable(env, "MIO_OAUTH_APPS", variables.MIO_OAUTH_APPS);
}

/** As core has them: what the command line needs to write an account's secrets. Throws as `readConfig`. */
export function readSecretKeys(env: Variables): readonly SealingKey[] {
  const keys = readVariable(env, "MIO_SECRET_KEYS", variables.MIO_SECRET_KEYS);
  const given = textOf(env, "MIO_DIRECTORY_KEYS") !== undefined;
  refuseSharedKeys(given ? readVariable(env, "MIO_DIRECTORY_KEYS", variables.MIO_DIRECTORY_KEYS) : [], keys);
  return keys;
}

/** Reads the environment. Throws one line that names the variable and an example of a good value. `services`: those that will run. */
export function readConfig(env: Variables, services: readonly string[] = []): Config {
  const read = <T>(name: keyof typeof variables, from: Variable<T>): T => readVariable(env, name, from);
  const environment = read("MIO_ENV", variables.MIO_ENV);
  const checkpoint = env.MIO_CHECKPOINT;
  if (checkpoint !== undefined && environment !== "local") {
    throw new ConfigError("MIO_CHECKPOINT stops the process on purpose; it is allowed only with MIO_ENV=local");
  }
  // The others need not hold what opens every account's secrets.
  const keysGiven = textOf(env, "MIO_DIRECTORY_KEYS") !== undefined || services.includes("admin");
  const secretsGiven =
    textOf(env, "MIO_SECRET_KEYS") !== undefined || ["admin", "sender"].some((name) => services.includes(name));
  const directoryKeys = keysGiven ? read("MIO_DIRECTORY_KEYS", variables.MIO_DIRECTORY_KEYS) : [];
  const secretKeys = secretsGiven ? read("MIO_SECRET_KEYS", variables.MIO_SECRET_KEYS) : [];
  refuseSharedKeys(directoryKeys, secretKeys);
  const heartbeatMs = read("MIO_OWNERSHIP_HEARTBEAT_MS", variables.MIO_OWNERSHIP_HEARTBEAT_MS);
  const claimAfterMs = read("MIO_OWNERSHIP_CLAIM_AFTER_MS", variables.MIO_OWNERSHIP_CLAIM_AFTER_MS);
  if (claimAfterMs < 2 * heartbeatMs) {
    throw new ConfigError(
      "MIO_OWNERSHIP_CLAIM_AFTER_MS must be at least twice MIO_OWNERSHIP_HEARTBEAT_MS, or live owners lose their partitions",
    );
  }
  return {
    environment,
    natsUrls: read("MIO_NATS_URL", variables.MIO_NATS_URL),
    natsUser: textOf(env, "MIO_NATS_USER"),
    natsPassword: textOf(env, "MIO_NATS_PASSWORD"),
    postgresDsn: read("MIO_POSTGRES_DSN", variables.MIO_POSTGRES_DSN),
    postgresPoolMax: read("MIO_POSTGRES_POOL_MAX", variables.MIO_POSTGRES_POOL_MAX),
    httpHost: read(
      "MIO_HTTP_HOST",
      environment === "local" ? { ...variables.MIO_HTTP_HOST, fallback: "127.0.0.1" } : variables.MIO_HTTP_HOST,
    ),
    httpPort: read("MIO_HTTP_PORT", variables.MIO_HTTP_PORT),
    logLevel: read("MIO_LOG_LEVEL", variables.MIO_LOG_LEVEL),
    streamReplicas: read(
      "MIO_STREAM_REPLICAS",
      environment === "local" ? { ...variables.MIO_STREAM_REPLICAS, fallback: "1" } : variables.MIO_STREAM_REPLICAS,
    ),
    streamBytesMax: read("MIO_STREAM_BYTES_MAX", variables.MIO_STREAM_BYTES_MAX),
    partitions: read("MIO_PARTITIONS", variables.MIO_PARTITIONS),
    regions: read("MIO_REGIONS", variables.MIO_REGIONS),
    directoryKeys,
    secretKeys,
    directoryIntervalMs: read("MIO_DIRECTORY_INTERVAL_MS", variables.MIO_DIRECTORY_INTERVAL_MS),
    oauthApps: readOAuthApps(env),
    ownership: { heartbeatMs, claimAfterMs },
    checkpoint,
  };
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** The configuration as it may be logged: secrets only as "set" or "not set". */
export function describeConfig(config: Config): Record<string, unknown> {
  const { natsPassword, natsUrls, postgresDsn, directoryKeys, secretKeys, oauthApps: apps, ...rest } = config;
  return {
    ...rest,
    natsUrls: natsUrls.map(withoutSecrets),
    natsPassword: natsPassword === undefined ? "not set" : "set",
    postgresDsn: withoutSecrets(postgresDsn),
    directoryKeys: idsOf(directoryKeys),
    secretKeys: idsOf(secretKeys),
    oauthApps: apps.size === 0 ? "not set" : `set (${[...apps.keys()].join(", ")})`,
  };
}

function idsOf(keys: readonly SealingKey[]): string {
  return keys.length === 0 ? "not set" : `set (${keys.map(({ id }) => id).join(", ")})`;
}

/** Every edge holds the directory's keys, and must not thereby hold what opens the database. */
function refuseSharedKeys(directoryKeys: readonly SealingKey[], secretKeys: readonly SealingKey[]): void {
  const fingerprints = new Set(directoryKeys.map(({ bytes }) => Buffer.from(bytes).toString("hex")));
  const shared = secretKeys.find(({ bytes }) => fingerprints.has(Buffer.from(bytes).toString("hex")));
  if (shared !== undefined)
    throw new ConfigError(
      `MIO_SECRET_KEYS and MIO_DIRECTORY_KEYS hold the same key (${shared.id}), and every edge has the latter; make another one for MIO_SECRET_KEYS like ${sealingKeysExample}`,
    );
}

/** The address without what opens it. Of a query nothing is kept: drivers take passwords and key files there. */
export function withoutSecrets(address: string): string {
  // A bus address may come without a scheme.
  const text = address.includes("://") ? address : `nats://${address}`;
  if (!URL.canParse(text)) return "an unreadable address";
  const { protocol, username, password, host, pathname, search } = new URL(text);
  // A user without a password is a token to the bus.
  const isToken = protocol !== "postgres:" && protocol !== "postgresql:" && password === "";
  const user = username === "" ? "" : `${isToken ? "set" : username}${password === "" ? "" : ":set"}@`;
  return `${protocol}//${user}${host}${pathname}${search === "" ? "" : "?set"}`;
}

/** `NAME`, or the content of the file that `NAME_FILE` names, as Kubernetes mounts secrets. */
function textOf(env: Variables, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  if (file !== undefined) {
    try {
      return readFileSync(file, "utf8").trimEnd();
    } catch (error) {
      throw new ConfigError(`${name}_FILE names a file that cannot be read: ${file}`, { cause: error });
    }
  }
  const text = env[name];
  return text === "" ? undefined : text;
}

function variable<T>(schema: v.GenericSchema<string, T>, example: string, fallback?: string): Variable<T> {
  return { schema, example, ...(fallback === undefined ? {} : { fallback }) };
}
