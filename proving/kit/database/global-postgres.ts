// One Postgres for a whole test run, started when the first test asks for it: vitest calls `setup` once, in its own process, and the test
// processes reach it through a Unix socket. fsync is off: these data live as long as the run.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "@mio/core/db/migrate.ts";
import { type Postgres, startPostgres } from "@mio/local/servers/postgres.ts";
import { Client } from "pg";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    testPostgresSocket: string;
  }
}

/** The migrated database that every test's own is a copy of. */
export const templateDatabase = "mio_template";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "mio-test-postgres-"));
  await chmod(folder, 0o711);
  let starting: Promise<Postgres> | undefined;
  const server = createServer((_request, response) => {
    starting ??= startWithTemplate(join(folder, "data"));
    starting.then(
      (postgres) => response.end(JSON.stringify({ dsn: postgres.dsn })),
      (error: unknown) => response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) })),
    );
  });
  const socket = join(folder, "socket");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  project.provide("testPostgresSocket", socket);
  return async () => {
    server.close();
    server.closeAllConnections();
    await (await starting?.catch(() => undefined))?.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function startWithTemplate(dataDir: string): Promise<Postgres> {
  const postgres = await startPostgres({ dataDir, fsync: false });
  try {
    const client = new Client({ connectionString: postgres.dsn });
    await client.connect();
    await client.query(`create database ${templateDatabase}`);
    await client.end();
    const template = new URL(postgres.dsn);
    template.pathname = `/${templateDatabase}`;
    await migrate(template.href);
    return postgres;
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
