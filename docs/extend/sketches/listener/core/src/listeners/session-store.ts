// A socket's session in Postgres, under the lease of the one replica that may hold the socket: a session moves only when what it has heard is
// on the bus, and only for who holds the lease now.

export interface SocketLease {
  accountId: string;
  socket: number;
  /** Grows with each owner; a write of an earlier one is refused. */
  epoch: number;
}

export interface SessionStore {
  /** Undefined: another replica holds it. */
  claim(accountId: string, socket: number): Promise<SocketLease | undefined>;
  load(lease: SocketLease): Promise<string | undefined>;
  save(lease: SocketLease, session: string): Promise<"saved" | "lost_lease">;
  giveBack(lease: SocketLease): Promise<void>;
}
