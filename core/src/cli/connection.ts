// How the command line finds a system: by environment, else by the local.json that a running local system leaves in its data folder.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { failureOf } from "@mio/shared/bus/client/bus-client.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { JetStreamError, jetStreamErrors } from "@mio/shared/bus/client/jetstream-api.ts";
import { tcpClient } from "@mio/shared/bus/client/tcp.ts";
import { inboxPrefixOf } from "@mio/shared/bus/names/users.ts";
import type { SealingKey } from "@mio/shared/bus/wire/sealed-value.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import type { Command } from "commander";
import * as v from "valibot";
import { systemUser } from "../control/actor.ts";
import type { Control } from "../control/control.ts";
import { type OpenedControl, openControl } from "../control/open-control.ts";
import { readOAuthApps, readSecretKeys } from "../process/config.ts";
import type { OAuthApps } from "../process/oauth-apps.ts";

export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

const localFile = v.object({
  postgres: v.string(),
  core: v.string(),
  nats: v.string(),
  edge: v.optional(v.string()),
  oauth_apps: v.optional(v.string()),
  secret_keys: v.optional(v.string()),
  operator: v.object({ user: v.string(), password: v.string(), inbox_prefix: v.string() }),
});

interface BusLogin {
  url: string;
  user: string | undefined;
  password: string;
  inboxPrefix: string;
}

/** Runs `work` with the database, which is closed afterwards. Throws ConnectionError, which says what to do, when nothing is reached. */
export async function withDatabase<T>(command: Command, work: (control: OpenedControl) => Promise<T>): Promise<T> {
  const dsn = await dsnOf(command);
  await using control = await openControl(dsn, "mio-cli", { kind: "cli", id: systemUser() }).catch((error: unknown) => {
    throw new ConnectionError(
      `cannot reach Postgres at ${hostOf(dsn)}: ${messageOf(error)}; is it running, and is MIO_POSTGRES_DSN right?`,
    );
  });
  return await work(control);
}

/** As `withDatabase`, for what writes secrets: also throws when their keys are missing. */
export async function withSecrets<T>(command: Command, work: (control: Control) => Promise<T>): Promise<T> {
  const keys = await secretKeys(command);
  return withDatabase(command, async (control) => work(await control.withSecrets(keys)));
}

export async function dsnOf(command: Command): Promise<string> {
  return process.env.MIO_POSTGRES_DSN ?? (await localSystem(command)).postgres;
}

/** A local system's ring stands in a file of its data folder. */
async function secretKeys(command: Command): Promise<readonly SealingKey[]> {
  const local = process.env.MIO_POSTGRES_DSN === undefined ? await localSystem(command) : undefined;
  const file = local?.secret_keys === undefined ? {} : { MIO_SECRET_KEYS_FILE: local.secret_keys };
  return readSecretKeys({ ...file, ...process.env });
}

/** Runs `work` with a connection to the bus that is closed afterwards. Throws ConnectionError, which says what to do. */
export async function withBus<T>(command: Command, work: (bus: Bus) => Promise<T>): Promise<T> {
  const { url, user, password, inboxPrefix } = await busLogin(command);
  const servers = url.split(",").map((each) => each.trim());
  const login = user === undefined ? {} : { user, password };
  const connecting = tcpClient.connect({ servers, name: "mio-cli", ...login, inboxPrefix, timeoutMs: 5_000 });
  const connection = await connecting.catch((error: unknown) => {
    throw new ConnectionError(
      `cannot reach the bus at ${servers.map(hostOf).join(", ")}: ${messageOf(error)}; is it running, and are MIO_NATS_URL, MIO_NATS_USER and MIO_NATS_PASSWORD right?`,
    );
  });
  try {
    const { headers } = tcpClient;
    return await work({ connection, headers, inboxPrefix, clock: clockOf(globalThis), random: randomOf(globalThis.crypto) });
  } catch (error) {
    throw explained(error);
  } finally {
    await connection.close();
  }
}

function explained(error: unknown): unknown {
  const noStream =
    failureOf(error) === "nobody_listens" || (error instanceof JetStreamError && error.code === jetStreamErrors.streamNotFound);
  if (noStream) return new ConnectionError("the bus lacks a stream; core makes all of them at its start", { cause: error });
  if (failureOf(error) === "not_permitted")
    return new ConnectionError("the bus refuses this to its user; it takes an operator, or core", { cause: error });
  return error;
}

async function busLogin(command: Command): Promise<BusLogin> {
  const { MIO_NATS_URL: url, MIO_NATS_USER: user, MIO_NATS_PASSWORD: password = "" } = process.env;
  if (url !== undefined) return { url, user, password, inboxPrefix: inboxPrefixOf(user ?? "mio-cli") };
  const { nats, operator } = await localSystem(command);
  return { url: nats, user: operator.user || undefined, password: operator.password, inboxPrefix: operator.inbox_prefix };
}

/** Base URL of core's HTTP server. Throws ConnectionError when it is none. */
export async function coreUrl(command: Command): Promise<string> {
  const url = process.env.MIO_CORE_URL ?? (await localSystem(command)).core;
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ""))
    throw new ConnectionError("MIO_CORE_URL is no URL; set it like MIO_CORE_URL=http://core:8080");
  return url;
}

/** The edge as people reach it, and our apps at the platforms. Throws ConnectionError, which says what to do. */
export async function oauthSettings(command: Command): Promise<{ edgeUrl: string; apps: OAuthApps }> {
  const { MIO_EDGE_URL: edgeUrl, MIO_POSTGRES_DSN: dsn } = process.env;
  // A local system's apps stand in a file of its data folder.
  const local = dsn === undefined ? await localSystem(command) : undefined;
  const url = edgeUrl ?? local?.edge;
  if (url === undefined || !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ""))
    throw new ConnectionError("MIO_EDGE_URL is no URL; set it like MIO_EDGE_URL=https://edge.example.com");
  const file = local?.oauth_apps === undefined ? {} : { MIO_OAUTH_APPS_FILE: local.oauth_apps };
  return { edgeUrl: url, apps: readOAuthApps({ ...file, ...process.env }) };
}

async function localSystem(command: Command): Promise<v.InferOutput<typeof localFile>> {
  const folder = String(command.optsWithGlobals().data);
  try {
    return v.parse(localFile, JSON.parse(await readFile(join(folder, "local.json"), "utf8")));
  } catch (error) {
    throw new ConnectionError(
      `no local system runs in ${folder}; start one with "npm start", or set MIO_POSTGRES_DSN, MIO_NATS_URL and MIO_CORE_URL`,
      {
        cause: error,
      },
    );
  }
}

function hostOf(dsn: string): string {
  return URL.canParse(dsn) ? new URL(dsn).host : "an unreadable address";
}

/** The first cause when several addresses were tried. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
