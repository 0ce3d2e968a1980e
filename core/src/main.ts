// The core's only program: `node core/src/main.ts dedup media-vault sender admin telemetry`. The words choose the services.
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import type { Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import { admin } from "./admin/service.ts";
import { connectBus } from "./bus/connect.ts";
import { provisionBus } from "./bus/provision.ts";
import { openDatabase } from "./db/pool.ts";
import { dedup } from "./dedup/service.ts";
import { mediaVault } from "./media-vault/service.ts";
import { checkpoints } from "./process/checkpoint.ts";
import { type Config, describeConfig, readConfig } from "./process/config.ts";
import { serveHealth } from "./process/health.ts";
import { createLog } from "./process/log.ts";
import { sender } from "./sender/service.ts";
import type { Service } from "./service.ts";
import { supervise } from "./supervisor.ts";
import { telemetry } from "./telemetry/service.ts";

const allServices: readonly Service[] = [dedup, mediaVault, sender, admin, telemetry];

const usage = `Usage: node core/src/main.ts [service ...]

Runs core services in one process; without a name, all of them: ${allServices.map((service) => service.name).join(", ")}.
Configuration comes from the environment (MIO_NATS_URL, MIO_POSTGRES_DSN, …); see docs/operate/configure.md.`;

async function main(words: readonly string[]): Promise<number> {
  if (words.includes("--help") || words.includes("-h")) {
    console.log(usage);
    return 0;
  }
  const unknown = words.filter((word) => !allServices.some((service) => service.name === word));
  if (unknown.length > 0) {
    throw new Error(`unknown service: ${unknown.join(", ")}; there are ${allServices.map((service) => service.name).join(", ")}`);
  }
  const chosen = words.length === 0 ? allServices : allServices.filter((service) => words.includes(service.name));
  const names = chosen.map((service) => service.name);
  return run(chosen, readConfig(process.env, names));
}

async function run(services: readonly Service[], config: Config): Promise<number> {
  const instance = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const log = createLog(config.logLevel, instance);
  log.info({ config: describeConfig(config), services: services.map((service) => service.name) }, "starting");

  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  // Started by a parent that holds an IPC channel (local play): its end is ours.
  process.once("disconnect", () => stop.abort(new Error("the parent process is gone")));
  try {
    return await start(services, config, instance, stop, log);
  } catch (error) {
    // Stopped while it waited for its neighbours: as good an end as any other stop.
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    log.info("stopped");
    return 0;
  }
}

async function start(
  services: readonly Service[],
  config: Config,
  instance: string,
  stop: AbortController,
  log: Logger,
): Promise<number> {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  await using database = await openDatabase(config, log, stop.signal);
  await using bus = await connectBus(config, `core-${instance}`, log, stop.signal);
  const provisioned = await provisionBus(bus.connection, config);
  if (Object.values(provisioned).some((names) => names.length > 0)) log.info(provisioned, "bus provisioned");
  const health = await serveHealth({ host: config.httpHost, port: config.httpPort, metrics, instance });
  const checkpoint = checkpoints(config.checkpoint, (signal) => process.kill(process.pid, signal));
  log.info({ http_port: health.port }, "ready");
  process.send?.({ kind: "ready", http_port: health.port });

  const contextOf = (service: Service) => ({
    config,
    log: log.child({ service: service.name }),
    nats: bus.connection,
    db: database.pool,
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
    metrics,
    instance,
    signal: stop.signal,
    status: health.status,
    readiness: health.readiness,
    checkpoint,
  });
  let busLost = false;
  void bus.connection.closed().then((error) => {
    if (stop.signal.aborted) return;
    // The client gives up only for good reasons, such as a user that was taken away: a new process asks again and says so.
    busLost = true;
    log.error({ err: error }, "the connection to the bus is closed for good");
    stop.abort(new Error("the connection to the bus is closed for good"));
  });
  try {
    const code = await supervise(services, contextOf, stop, log);
    return busLost ? 1 : code;
  } finally {
    await health.close();
    log.info("stopped");
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`core: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
