// The connection pool to Postgres, opened only on a database that has every migration of this program.
import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "pg";
import type { Logger } from "pino";
import type { Config } from "../process/config.ts";
import { missingMigrations } from "./migrate.ts";

export interface Database extends AsyncDisposable {
  pool: Pool;
}

/** How long a start waits for Postgres to take connections. */
const connectWaitMs = 60_000;
const connectTimeoutMs = 5_000;

/** Rejects with one line that says what to do when Postgres cannot be reached or lacks migrations; with the signal's reason after a stop. */
export async function openDatabase(
  config: Pick<Config, "postgresDsn" | "postgresPoolMax">,
  log: Logger,
  signal: AbortSignal,
): Promise<Database> {
  const pool = new Pool({
    connectionString: config.postgresDsn,
    max: config.postgresPoolMax,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: "mio-core",
  });
  // An idle connection that the server closed (a restart) is replaced at its next use; unheard, the event would end the process.
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was closed"));
  const missing = await waitFor(pool, log, signal);
  if (missing.length > 0) {
    await pool.end();
    throw new Error(`the database lacks ${missing.join(", ")}; run "mio migrate" first`);
  }
  return { pool, [Symbol.asyncDispose]: () => pool.end() };
}

async function waitFor(pool: Pool, log: Logger, signal: AbortSignal): Promise<string[]> {
  const deadline = performance.now() + connectWaitMs;
  for (;;) {
    try {
      return await missingMigrations(pool);
    } catch (error) {
      await endIfStopped(pool, signal);
      if (performance.now() > deadline) {
        await pool.end();
        throw new Error(`cannot reach Postgres at ${hostOf(pool)}: ${messageOf(error)}; check MIO_POSTGRES_DSN`, {
          cause: error,
        });
      }
      log.warn({ err: error }, "waiting for Postgres");
      await delay(500, undefined, { signal }).catch(() => endIfStopped(pool, signal));
    }
  }
}

async function endIfStopped(pool: Pool, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) return;
  await pool.end();
  throw signal.reason;
}

function hostOf(pool: Pool): string {
  const url = new URL(pool.options.connectionString ?? "postgres://unknown");
  return `${url.hostname}:${url.port || 5432}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
