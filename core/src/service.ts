// What a core service is, and what it is given. Each service is one folder; main.ts chooses them by name.

import type { BusConnection } from "@mio/shared/bus/client/connection.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { Random } from "@mio/shared/random.ts";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Config } from "./process/config.ts";

export interface Service {
  name: string;
  /**
   * Works until `context.signal` is aborted, then takes no new work, finishes or gives back what is in hand, and resolves.
   * A rejection means that the service cannot go on: the process logs it and ends, so that the cluster starts it anew.
   */
  run(context: ServiceContext): Promise<void>;
}

export interface ServiceContext {
  config: Config;
  log: Logger;
  nats: BusConnection;
  db: Pool;
  clock: Clock;
  random: Random;
  metrics: Registry;
  /** This process, as owners of partitions and leases are named: unique per start. */
  instance: string;
  signal: AbortSignal;
  /** Adds a section to `/status`; the function is called for each request and must be cheap. */
  status(section: string, read: () => unknown): void;
  /** Adds a condition to `/health/ready`: a reason while not ready, else undefined. */
  readiness(check: () => string | undefined): void;
  /** A named point between two facts, where fault runs stop or kill the process. Does nothing otherwise. */
  checkpoint(name: string): Promise<void>;
}
