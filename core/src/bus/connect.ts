// The connection of one process to the bus: as its own user, heard only on its own inbox, and tried again for ever.
import { setTimeout as delay } from "node:timers/promises";
import { failureOf } from "@mio/shared/bus/client/bus-client.ts";
import type { Bus, OwnConnection } from "@mio/shared/bus/client/connection.ts";
import { tcpClient } from "@mio/shared/bus/client/tcp.ts";
import { natsServerVersionMinimum } from "@mio/shared/bus/names/streams.ts";
import { inboxPrefixOf } from "@mio/shared/bus/names/users.ts";
import type { Logger } from "pino";
import { type Config, withoutSecrets } from "../process/config.ts";
import type { ServiceContext } from "../service.ts";

interface BusHandle extends AsyncDisposable {
  connection: OwnConnection;
}

type BusConfig = Pick<Config, "natsUrls" | "natsUser" | "natsPassword">;

const reconnect = { waitMs: 250, jitterMs: 250 };
const pingIntervalMs = 5_000;
/** How long a start waits for the bus. */
const connectWaitMs = 60_000;
const retryMs = 500;
/** Of a process without a user: a server without users. */
const userDefault = "core";

/**
 * Connects and checks the server's version. Waits for a bus that is not there yet; rejects with one line that says what to do when it
 * stays away, refuses us, or is older than natsServerVersionMinimum; with the signal's reason after a stop. Closing waits for what is being sent, but not for a server that is gone.
 */
export async function connectBus(config: BusConfig, name: string, log: Logger, signal: AbortSignal): Promise<BusHandle> {
  const nats = await connectInTime(config, name, log, signal);
  const version = nats.info?.version ?? "unknown";
  if (!isAtLeast(version, natsServerVersionMinimum)) {
    await nats.close();
    throw new Error(
      `nats-server at ${nats.getServer()} is ${version}; older than ${natsServerVersionMinimum} loses data, please upgrade it`,
    );
  }
  void logStatus(nats, log);
  return {
    connection: nats,
    [Symbol.asyncDispose]: async () => {
      if (nats.isClosed()) return;
      await Promise.race([nats.flush().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
      await nats.close();
    },
  };
}

/** What shared needs of a connection. */
export function busOf(context: Pick<ServiceContext, "nats" | "config" | "clock" | "random">): Bus {
  const { nats, config, clock, random } = context;
  return {
    connection: nats,
    headers: tcpClient.headers,
    inboxPrefix: inboxPrefixOf(config.natsUser ?? userDefault),
    clock,
    random,
  };
}

async function connectInTime(config: BusConfig, name: string, log: Logger, signal: AbortSignal): Promise<OwnConnection> {
  const deadline = performance.now() + connectWaitMs;
  const user = config.natsUser;
  for (;;) {
    try {
      const connecting = tcpClient.connect({
        servers: config.natsUrls,
        name,
        ...(user === undefined ? {} : { user, password: config.natsPassword ?? "" }),
        inboxPrefix: inboxPrefixOf(user ?? userDefault),
        reconnect,
        pingIntervalMs,
      });
      return await unlessStopped(connecting, signal);
    } catch (error) {
      signal.throwIfAborted();
      const text = error instanceof Error ? error.message : String(error);
      const where = config.natsUrls.map(withoutSecrets).join(", ");
      if (failureOf(error) === "user_refused")
        throw new Error(`${where} refuses the user ${user ?? "(none)"}; check MIO_NATS_USER and MIO_NATS_PASSWORD`, {
          cause: error,
        });
      if (performance.now() > deadline)
        throw new Error(`cannot reach nats-server at ${where}: ${text}; check MIO_NATS_URL`, { cause: error });
      log.warn({ err: error }, "waiting for the bus");
      await delay(retryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** A server that answers nothing is waited for by the client for long; a stop does not wait with it. */
async function unlessStopped(connecting: Promise<OwnConnection>, signal: AbortSignal): Promise<OwnConnection> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([connecting, stopped.promise]);
  } catch (error) {
    connecting.then((late) => late.close()).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function logStatus(nats: OwnConnection, log: Logger): Promise<void> {
  for await (const { type, data, permissionContext } of nats.status()) {
    if (permissionContext) log.error({ ...permissionContext }, "the bus refuses this user a subject");
    else if (type === "disconnect" || type === "reconnect" || type === "error")
      log.warn({ type, data: String(data) }, "bus connection");
  }
}

/** Compares `major.minor.patch`; what comes after a "-" is ignored. */
export function isAtLeast(version: string, minimum: string): boolean {
  const parts = (text: string) => (text.split("-")[0] ?? "").split(".").map(Number);
  const [have, need] = [parts(version), parts(minimum)];
  for (const [index, wanted] of need.entries()) {
    const part = have[index] ?? Number.NaN;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
