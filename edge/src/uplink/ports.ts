// The ports of an uplink: a link to the bus, a spool, what it has closed, a clock. What stands behind them is a host's affair (Durable Object or
// Node); what they promise here is what the order and durability of the uplink rest on.
import type { Clock } from "@mio/shared/clock.ts";
import type { Random } from "@mio/shared/random.ts";
import type { ClosingStore } from "./closings/closings.ts";

export interface UplinkPorts {
  link: BusLink;
  spool: Spool;
  closings: ClosingStore;
  clock: Clock;
  /** For the ids of groups and the jitter of retries. */
  random: Random;
  /** One structured line about this uplink. */
  log?(line: Readonly<Record<string, unknown>>): void;
}

/** One bus message: a group of events that travel together. */
export interface GroupMessage {
  subject: string;
  /** `Nats-Msg-Id`; the same for each publish of the same group. */
  messageId: string;
  body: Uint8Array<ArrayBuffer>;
}

export type Published =
  | { kind: "acknowledged"; duplicate: boolean }
  /** An answer that says no. `ofMessage`: for what this message is (too large); otherwise for how the stream is, and another try may do. */
  | { kind: "refused"; reason: string; ofMessage: boolean }
  /** Of unknown outcome: it must be published again. */
  | { kind: "not_acknowledged"; reason: string };

export interface BusLink {
  /** True while a publish may be tried. */
  readonly connected: boolean;
  /**
   * Resolves when the stream has answered, and at once when the connection is lost. Never rejects. May hang while the bus is
   * connected and silent: the deadline is the caller's.
   */
  publish(message: GroupMessage): Promise<Published>;
  /** A publish has missed its deadline: if the connection hangs, it is broken off, and another one dialled. */
  suspect(): void;
  /** Called after each change of `connected`. */
  onChange(listener: () => void): void;
}

export interface SpoolRow extends GroupMessage {
  /** Grows with each append, also over restarts. */
  id: number;
}

/** Rows on disk, in the order of their appending, and one alarm. */
export interface Spool {
  /** As of the last append or remove, committed or not. */
  readonly state: SpoolState;
  /**
   * The row stands behind all others from this call on, and is committed, with the alarm, when the promise resolves. Rejects when the
   * storage fails: then nothing may be promised for it.
   */
  append(message: GroupMessage): Promise<void>;
  /** The first rows, in order: no more than these bounds allow, but always one if there is one. Throws when the storage fails. */
  oldest(bounds: { rows: number; bytes: number }): SpoolRow[];
  /** The first rows, as `oldest` gave them. Throws when the storage fails. */
  remove(rows: readonly SpoolRow[]): void;
  /** Takes a row that the bus will never take out of the others' way, and keeps it. Throws when the storage fails. */
  setAside(row: SpoolRow, reason: string): void;
  /** Puts what was set aside behind all others again, as if it came now. Throws when the storage fails. */
  takeBack(): void;
  /** Wakes this uplink at this time at the latest, also after its process was lost. Rejects when the storage fails. */
  arm(atMs: number): Promise<void>;
}

export interface SpoolState {
  rows: number;
  bytes: number;
  /** Rows set aside, and their bytes; they count against the limits. */
  asideRows: number;
  asideBytes: number;
  /** What counts against the limit of bytes, when other spools fill the same disk. */
  diskBytes?: number;
  /** Wall clock of the oldest row's append; undefined when empty. */
  oldestAtMs: number | undefined;
}
