// Configuration of the Node host, read once at the start. What is missing or odd stops it with one line that names the variable.
import { readFileSync } from "node:fs";
import { parseSealingKeys, type SealingKey, sealingKeysExample } from "@mio/shared/bus/wire/sealed-value.ts";
import { type Environment, environments } from "@mio/shared/channels/doors/doors-in.ts";
import * as v from "valibot";
import { uplinkLimits } from "../uplink/limits.ts";

const mebibyte = 1024 * 1024;
const text = v.pipe(v.string(), v.minLength(1));
const natsUrls = v.pipe(
  text,
  v.transform((list) => list.split(",").map((each) => each.trim())),
  v.array(v.pipe(v.string(), v.regex(/^(nats|tls):\/\/[^\s/@]+$/))),
);
const sealingKeys = v.pipe(v.string(), v.transform(parseSealingKeys), v.custom<SealingKey[]>(Array.isArray));
const bytes = v.pipe(v.string(), v.regex(/^[1-9]\d{0,14}$/), v.transform(Number), v.minValue(mebibyte));
const port = v.pipe(v.string(), v.regex(/^\d{1,5}$/), v.transform(Number), v.maxValue(65_535));

interface Variable<T> {
  schema: v.GenericSchema<string, T>;
  example: string;
  /** What it is for. */
  use: string;
  /** What holds when it is not set; without one it must be set. */
  fallback?: string;
}

const variables = {
  MIO_ENV: variable(v.picklist(environments), "production", environments.join(", "), "production"),
  EDGE_REGION: variable(v.pipe(v.string(), v.regex(/^[a-z0-9_-]+$/)), "eu", "the region that this one process is"),
  NATS_URL: variable(natsUrls, "nats://nats:4222", "servers of the bus, separated by commas"),
  NATS_USER: variable(text, "edge", "user on the bus", "edge"),
  NATS_PASSWORD: variable(v.string(), "…", "its password"),
  DIRECTORY_KEYS: variable(sealingKeys, sealingKeysExample, "what opens the directory, the same as core has"),
  MIO_HTTP_HOST: variable(text, "0.0.0.0", "address to listen on", "0.0.0.0"),
  MIO_HTTP_PORT: variable(port, "8080", "port to listen on, 0 for any free one", "8080"),
  MIO_SPOOL_BYTES_MAX: variable(
    bytes,
    String(uplinkLimits.spoolBytesMax),
    "bytes that may wait for the bus on that disk before webhooks are answered 503, at least 1048576",
    String(uplinkLimits.spoolBytesMax),
  ),
  MIO_DATA: variable(text, "/var/lib/mio-edge", "folder on a local disk for the spool, of this process alone"),
};

export interface Config {
  environment: Environment;
  region: string;
  natsUrls: string[];
  natsUser: string;
  natsPassword: string;
  directoryKeys: SealingKey[];
  httpHost: string;
  httpPort: number;
  dataDir: string;
  spoolBytesMax: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Throws one line that names the variable and shows a good value. */
export function readConfig(env: Variables): Config {
  return {
    environment: read(env, "MIO_ENV", variables.MIO_ENV),
    region: read(env, "EDGE_REGION", variables.EDGE_REGION),
    natsUrls: read(env, "NATS_URL", variables.NATS_URL),
    natsUser: read(env, "NATS_USER", variables.NATS_USER),
    natsPassword: read(env, "NATS_PASSWORD", variables.NATS_PASSWORD),
    directoryKeys: read(env, "DIRECTORY_KEYS", variables.DIRECTORY_KEYS),
    httpHost: read(env, "MIO_HTTP_HOST", variables.MIO_HTTP_HOST),
    httpPort: read(env, "MIO_HTTP_PORT", variables.MIO_HTTP_PORT),
    dataDir: read(env, "MIO_DATA", variables.MIO_DATA),
    spoolBytesMax: read(env, "MIO_SPOOL_BYTES_MAX", variables.MIO_SPOOL_BYTES_MAX),
  };
}

/** The configuration as it may be logged. */
export function describeConfig({ natsPassword, directoryKeys, ...rest }: Config): Record<string, unknown> {
  const ids = directoryKeys.map(({ id }) => id).join(", ");
  return { ...rest, natsPassword: natsPassword === "" ? "not set" : "set", directoryKeys: `set (${ids})` };
}

/** One line a variable, for `--help`. */
export function describeVariables(): string {
  return Object.entries(variables)
    .map(([name, { use, example, fallback }]) => {
      const holds = fallback === undefined ? `for example ${example}` : `${fallback} when not set`;
      return `  ${name.padEnd(19)} ${use} (${holds})`;
    })
    .join("\n");
}

function read<T>(env: Variables, name: string, { schema, example, fallback }: Variable<T>): T {
  const given = textOf(env, name) ?? fallback;
  if (given === undefined) throw new Error(`${name} is not set; set it like ${name}=${example}`);
  const parsed = v.safeParse(schema, given);
  if (!parsed.success) throw new Error(`${name} has no good value; set it like ${name}=${example}`);
  return parsed.output;
}

/** `NAME`, or the content of the file that `NAME_FILE` names, as Kubernetes mounts secrets. Only a password may be empty. */
function textOf(env: Variables, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  if (file) {
    try {
      return readFileSync(file, "utf8").trimEnd();
    } catch (error) {
      throw new Error(`${name}_FILE names a file that cannot be read: ${file}`, { cause: error });
    }
  }
  return env[name] === "" && name !== "NATS_PASSWORD" ? undefined : env[name];
}

function variable<T>(schema: v.GenericSchema<string, T>, example: string, use: string, fallback?: string): Variable<T> {
  return { schema, example, use, ...(fallback === undefined ? {} : { fallback }) };
}
