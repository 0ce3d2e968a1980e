// One Postgres on the loopback with a password of its own. Its data survive stop, kill -9 and a dead machine (fsync is on unless a test
// says otherwise); what an earlier run left behind, such as a stale postmaster.pid, does not keep it from starting.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Client } from "pg";
import { freePort } from "./free-port.ts";
import { type ManagedProcess, startProcess } from "./managed-process.ts";
import { Part } from "./part.ts";
import { commandAs, postgresBinaries, postgresUser } from "./postgres-binaries.ts";
import { commandLineOf } from "./process-identity.ts";

export interface PostgresOptions {
  /** Made and filled when it is missing; when we are root it comes to belong to the system user that runs Postgres. */
  dataDir: string;
  port?: number;
  /** Off only where losing everything on a power cut is fine (tests). */
  fsync?: boolean;
  /** Gives up the start, or ends the server. */
  signal?: AbortSignal | undefined;
}

export class Postgres extends Part {
  /** Of the database `mio`, as its owner. */
  readonly dsn: string;
  readonly port: number;
  readonly logFile: string;

  constructor(first: ManagedProcess, start: () => Promise<ManagedProcess>, dsn: string, port: number, logFile: string) {
    super("postgres", first, start, stopGraceMs);
    this.dsn = dsn;
    this.port = port;
    this.logFile = logFile;
  }
}

const stopGraceMs = 20_000;
const earlierEndsWithinMs = 6_000;
const readyWithinMs = 30_000;
const database = "mio";

/** Resolves when the database answers. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = resolve(options.dataDir);
  const cluster = join(dataDir, "cluster");
  const logFile = join(dataDir, "postgres.log");
  const binaries = postgresBinaries();
  const user = postgresUser();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (user) await chown(dataDir, user.uid, user.gid);
  const as = commandAs(user, [dataDir, binaries.postgres]);
  const password = await passwordOf(dataDir);

  if (!(await exists(join(cluster, "PG_VERSION")))) {
    // An interrupted initdb leaves a folder that it then refuses to fill.
    await rm(cluster, { recursive: true, force: true });
    await initialise(as, binaries.initdb, cluster, password, user);
  }
  await refuseOrForgetEarlier(cluster);

  const port = options.port ?? (await freePort());
  const dsn = `postgres://${database}:${password}@127.0.0.1:${port}/${database}`;
  const start = async () => {
    const settings = [
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "max_connections=200",
      ...(options.fsync === false ? ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] : []),
    ];
    const args = ["-D", cluster, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
    const deadline = performance.now() + readyWithinMs;
    for (;;) {
      const server = await startProcess({
        ...as(binaries.postgres, args),
        logFile,
        cwd: dataDir,
        stopSignal: "SIGINT",
        signal: options.signal,
      });
      if (await answers(server, dsn, deadline)) return server;
      const complaint = await lastComplaint(logFile);
      await server.stop(0);
      // After kill -9 the old backends need a moment to notice and let go of the shared memory.
      if (!/shared memory block|lock file/.test(complaint) || performance.now() > deadline)
        throw new Error(`Postgres did not come up: ${complaint}`);
      await new Promise((wake) => setTimeout(wake, 100));
    }
  };
  return new Postgres(await start(), start, dsn, port, logFile);
}

async function initialise(
  as: ReturnType<typeof commandAs>,
  initdb: string,
  cluster: string,
  password: string,
  user: ReturnType<typeof postgresUser>,
): Promise<void> {
  const passwordFile = `${cluster}.initial-password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  try {
    const args = ["-D", cluster, "-U", database, "-A", "scram-sha-256", `--pwfile=${passwordFile}`, "-E", "UTF8", "--locale=C"];
    const run = as(initdb, args);
    const result = spawnSync(run.command, run.args, { uid: run.uid, gid: run.gid, encoding: "utf8", cwd: "/" });
    if (result.status !== 0) {
      await rm(cluster, { recursive: true, force: true });
      const reason = (result.stderr || result.error?.message || "")
        .trim()
        .split("\n")
        .findLast((line) => line.trim() !== "");
      throw new Error(`Postgres could not lay out ${cluster}: ${reason ?? "no reason given"}`);
    }
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** True once it takes queries and our database is there; false when it ended, or the time is up. */
async function answers(server: ManagedProcess, dsn: string, deadline: number): Promise<boolean> {
  const maintenance = new URL(dsn);
  maintenance.pathname = "/postgres";
  while (server.running && performance.now() < deadline) {
    const client = new Client({ connectionString: maintenance.href, connectionTimeoutMillis: 2_000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const present = await client.query("select 1 from pg_database where datname = $1", [database]);
      if (present.rowCount === 0) await client.query(`create database ${database}`);
      return true;
    } catch {
      await new Promise((wake) => setTimeout(wake, 25));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return false;
}

/**
 * A live Postgres on this data is refused, unless it ends within the time that a killed starter's guard gives it; a stale file, whose process
 * is gone or another program by now, is removed.
 */
async function refuseOrForgetEarlier(cluster: string): Promise<void> {
  const file = join(cluster, "postmaster.pid");
  const deadline = performance.now() + earlierEndsWithinMs;
  for (;;) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) return;
    const pid = Number(text.split("\n")[0]);
    if (!commandLineOf(pid)?.includes(cluster)) return rm(file, { force: true });
    if (performance.now() > deadline) throw new Error(`another Postgres (process ${pid}) works on ${cluster}: stop it first`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** The same over restarts; made at the first. */
async function passwordOf(dataDir: string): Promise<string> {
  const file = join(dataDir, "password");
  const present = await readFile(file, "utf8").catch(() => undefined);
  if (present) return present;
  const password = randomBytes(16).toString("hex");
  await writeFile(file, password, { mode: 0o600 });
  await chmod(file, 0o600);
  return password;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function lastComplaint(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, "utf8").catch(() => "")).trimEnd().split("\n");
  const complaint = lines.findLast((line) => /FATAL|could not|must not|error/.test(line)) ?? lines.at(-1);
  return complaint?.replace(/^.*\[\d+\] /, "") || `nothing was written to ${logFile}`;
}
