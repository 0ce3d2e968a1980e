// Servers that were there already and are used instead of our own: looked at before anything starts, so that a wrong address is said at once.
import { tcpClient } from "@mio/shared/bus/client/tcp.ts";
import { natsServerVersionMinimum } from "@mio/shared/bus/names/streams.ts";
import { Pool } from "pg";
import { isNewEnough } from "../servers/nats-binary.ts";
import type { ExistingNats } from "./bus-access.ts";

const answersWithinMs = 5_000;

/** Throws one line when no Postgres answers there. */
export async function requirePostgres(dsn: string): Promise<void> {
  const db = new Pool({ connectionString: dsn, max: 1, connectionTimeoutMillis: answersWithinMs });
  db.on("error", () => undefined);
  try {
    await db.query("select 1");
  } catch (error) {
    const reason =
      error instanceof AggregateError ? String(error.errors[0]) : error instanceof Error ? error.message : String(error);
    const place = URL.canParse(dsn) ? new URL(dsn).host : "an unreadable address";
    throw new Error(`no Postgres answers at ${place} (${reason}): start it, or unset MIO_POSTGRES_DSN to use one of our own`, {
      cause: error,
    });
  } finally {
    await db.end();
  }
}

/** Throws one line when no nats-server that is new enough lets us in there. */
export async function requireNats(existing: ExistingNats): Promise<void> {
  const login = existing.user === "" ? {} : { user: existing.user, password: existing.password };
  const place = new URL(existing.url).host;
  try {
    const nats = await tcpClient.connect({ servers: [existing.url], ...login, timeoutMs: answersWithinMs });
    const version = nats.info?.version ?? "unknown";
    const jetstream = nats.info?.jetstream === true;
    await nats.close();
    if (!isNewEnough(version)) throw new Error(`it is ${version}, and ${natsServerVersionMinimum} or newer is needed`);
    if (!jetstream) throw new Error("it has no JetStream");
  } catch (error) {
    throw new Error(
      `the nats-server at ${place} cannot be used (${reasonOf(error)}): mend it, or unset MIO_NATS_URL to use one of our own`,
      {
        cause: error,
      },
    );
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
