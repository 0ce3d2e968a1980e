// Who may connect to the local bus: one user with least permission for each process, passwords by chance, new at every start. On a bus that
// was there already, everybody uses the one user that its URL names.
import { randomBytes } from "node:crypto";
import { type BusRole, busUserOf, inboxPrefixOf, permissionsOf } from "@mio/shared/bus/names/users.ts";
import type { AccountId } from "@mio/shared/ids.ts";
import type { NatsUser } from "../servers/nats-server.ts";

export interface ExistingNats {
  url: string;
  websocketUrl: string;
  user: string;
  password: string;
}

export interface BusLogin {
  user: string;
  password: string;
  inboxPrefix: string;
}

export interface BusAccess {
  /** For the server's configuration. */
  users: NatsUser[];
  edge: BusLogin;
  core: BusLogin;
  agent: BusLogin;
  operator: BusLogin;
}

export function busAccess(agentName: string, agentAccounts: readonly AccountId[], existing?: ExistingNats): BusAccess {
  const users: NatsUser[] = [];
  const login = (role: BusRole): BusLogin => {
    const user = busUserOf(role);
    if (existing) return { user: existing.user, password: existing.password, inboxPrefix: inboxPrefixOf(existing.user || user) };
    const password = randomBytes(16).toString("hex");
    users.push({ user, password, permissions: permissionsOf(role) });
    return { user, password, inboxPrefix: inboxPrefixOf(user) };
  };
  return {
    users,
    edge: login({ role: "edge" }),
    core: login({ role: "core" }),
    agent: login({ role: "agent", name: agentName, accounts: agentAccounts }),
    operator: login({ role: "operator" }),
  };
}
