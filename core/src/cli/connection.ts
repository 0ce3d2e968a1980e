// How the command line finds a system: by environment, else by the local.json that a running local system leaves in its data folder.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { Pool } from "pg";
import * as v from "valibot";

export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

const localFile = v.object({ postgres: v.string(), core: v.string() });

/** Runs `work` with a pool that is closed afterwards. Throws ConnectionError, which says what to do, when nothing is reached. */
export async function withDatabase<T>(command: Command, work: (db: Pool) => Promise<T>): Promise<T> {
  const dsn = process.env.MIO_POSTGRES_DSN ?? (await localSystem(command)).postgres;
  const db = new Pool({ connectionString: dsn, max: 2, connectionTimeoutMillis: 5_000, application_name: "mio-cli" });
  try {
    await db.query("select 1").catch((error: unknown) => {
      throw new ConnectionError(
        `cannot reach Postgres at ${hostOf(dsn)}: ${messageOf(error)}; is it running, and is MIO_POSTGRES_DSN right?`,
      );
    });
    return await work(db);
  } finally {
    await db.end();
  }
}

/** Base URL of core's HTTP server. Throws ConnectionError when it is none. */
export async function coreUrl(command: Command): Promise<string> {
  const url = process.env.MIO_CORE_URL ?? (await localSystem(command)).core;
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ""))
    throw new ConnectionError("MIO_CORE_URL is no URL; set it like MIO_CORE_URL=http://core:8080");
  return url;
}

async function localSystem(command: Command): Promise<v.InferOutput<typeof localFile>> {
  const folder = String(command.optsWithGlobals().data);
  try {
    return v.parse(localFile, JSON.parse(await readFile(join(folder, "local.json"), "utf8")));
  } catch (error) {
    throw new ConnectionError(
      `no local system runs in ${folder}; start one with "npm start", or set MIO_POSTGRES_DSN and MIO_CORE_URL`,
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
