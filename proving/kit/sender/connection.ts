// Connections of these tests, as users of the bus: the sender has no more rights than core has in production.
import { permissionsOf } from "@mio/shared/bus/names/users.ts";
import { connect, type NatsConnection } from "nats";

const password = "for-tests";

export const testUsers = (["operator", "core"] as const).map((role) => {
  const { publish, subscribe } = permissionsOf({ role });
  return { user: role, password, permissions: { publish, subscribe } };
});

export function connectTo(url: string, user: "operator" | "core" = "core"): Promise<NatsConnection> {
  const { inboxPrefix } = permissionsOf({ role: user });
  return connect({ servers: url, user, pass: password, inboxPrefix, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
}
