// What a service is given, for tests that run one service against a real bus and a real database.
import { randomUUID } from "node:crypto";
import { readConfig } from "@mio/core/process/config.ts";
import type { ServiceContext } from "@mio/core/service.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { Pool } from "pg";
import { type Logger, pino } from "pino";
import { Registry } from "prom-client";
import type { NatsConnection } from "../bus/client.ts";
import { testDirectoryKeys } from "../bus/directory-keys.ts";
import { testSecretKeys } from "../database/secrets.ts";

export interface TestContext extends ServiceContext {
  sections: Map<string, () => unknown>;
  stop(): void;
  /** Closes the pool; the connection is the caller's. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** `env` overrides configuration by variable name; `checkpoint` is called at each named point. */
export function testContext(options: {
  nats: NatsConnection;
  dsn: string;
  env?: Record<string, string>;
  checkpoint?: (name: string) => Promise<void>;
  log?: Logger;
}): TestContext {
  const config = readConfig({
    MIO_ENV: "local",
    MIO_NATS_URL: "nats://127.0.0.1:4222",
    MIO_POSTGRES_DSN: options.dsn,
    MIO_OWNERSHIP_HEARTBEAT_MS: "200",
    MIO_OWNERSHIP_CLAIM_AFTER_MS: "1000",
    MIO_STREAM_BYTES_MAX: "1073741824",
    MIO_DIRECTORY_KEYS: testDirectoryKeys,
    MIO_SECRET_KEYS: testSecretKeys,
    ...options.env,
  });
  const stop = new AbortController();
  const db = new Pool({ connectionString: options.dsn, max: config.postgresPoolMax });
  db.on("error", () => {
    // A restarted database drops idle connections; the pool makes new ones.
  });
  const sections = new Map<string, () => unknown>();
  return {
    config,
    log: options.log ?? pino({ level: process.env.MIO_TEST_LOG ?? "silent" }),
    nats: options.nats,
    db,
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
    metrics: new Registry(),
    instance: randomUUID(),
    signal: stop.signal,
    status: (section, read) => void sections.set(section, read),
    readiness: () => {},
    checkpoint: options.checkpoint ?? (() => Promise.resolve()),
    sections,
    stop: () => stop.abort(new Error("stopped by the test")),
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error("stopped by the test"));
      await db.end();
    },
  };
}
