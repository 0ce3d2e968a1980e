// What is asked of a NATS client, in words of our own. `tcp.ts` and `ws.ts` are the only files that import one, and both answer to this,
// so that a change of client ends in this folder.
import type { BusHeaders, OwnConnection } from "./connection.ts";

export interface BusClient {
  /** Rejects when no server can be reached or the user is refused. */
  connect(options: ConnectOptions): Promise<OwnConnection>;
  headers(): BusHeaders;
}

export interface ConnectOptions {
  /** One of these at a time. */
  servers: string[];
  /** In the server's lists of clients. */
  name?: string;
  user?: string | undefined;
  password?: string | undefined;
  /** See `inboxPrefixOf`; the client's own when left out. */
  inboxPrefix?: string;
  /** For how long one server is dialled. */
  timeoutMs?: number;
  /** A connection is given up when two of these go unanswered. */
  pingIntervalMs?: number;
  /** Heals by itself, for ever. Left out: ends when it is lost. */
  reconnect?: { waitMs?: number; jitterMs: number };
  /** Whatever other servers the cluster names. */
  onlyTheseServers?: boolean;
}

/** The same for both clients. */
export function nativeOptions(options: ConnectOptions) {
  const { servers, name, user, password, inboxPrefix, timeoutMs, pingIntervalMs, reconnect } = options;
  return {
    servers,
    maxPingOut: 2,
    // A stack for each request costs more than the request.
    noAsyncTraces: true,
    ...(name !== undefined && { name }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    ...(pingIntervalMs !== undefined && { pingInterval: pingIntervalMs }),
    ...(options.onlyTheseServers && { ignoreClusterUpdates: true }),
    ...(reconnect === undefined ? { reconnect: false } : reconnecting(reconnect)),
  };
}

function reconnecting({ waitMs, jitterMs }: { waitMs?: number; jitterMs: number }) {
  return {
    maxReconnectAttempts: -1,
    // Otherwise the second refusal closes the connection for ever, and a password that is being changed would stop us.
    ignoreAuthErrorAbort: true,
    reconnectJitter: jitterMs,
    ...(waitMs !== undefined && { reconnectTimeWait: waitMs }),
  };
}

export type ClientFailure = "nobody_listens" | "too_large" | "not_permitted" | "user_refused";

/** By the code that both clients put on their errors. */
const failures: Readonly<Record<string, ClientFailure>> = {
  "503": "nobody_listens",
  MAX_PAYLOAD_EXCEEDED: "too_large",
  PERMISSIONS_VIOLATION: "not_permitted",
  AUTHORIZATION_VIOLATION: "user_refused",
};

/** What an error of a connection means; undefined for all others. */
export function failureOf(error: unknown): ClientFailure | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return Object.hasOwn(failures, error.code) ? failures[error.code] : undefined;
}
