// Connections of these tests, as users of the bus: the sender has no more rights than core has in production.
import { permissionsOf } from "@mio/shared/bus/names/users.ts";
import type { NatsConnection } from "../bus/client.ts";
import { connectTo } from "../bus/connection.ts";

const password = "for-tests";

export const testUsers = (["operator", "core"] as const).map((role) => {
  const { publish, subscribe } = permissionsOf({ role });
  return { user: role, password, permissions: { publish, subscribe } };
});

export function connectAs(user: "operator" | "core", url: string): Promise<NatsConnection> {
  const { inboxPrefix } = permissionsOf({ role: user });
  return connectTo(url, { user, pass: password, inboxPrefix });
}
