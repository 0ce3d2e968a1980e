// The promise of G1 and G4 for one shard: events count as stored when the bus has acknowledged them or the spool has committed
// them, and they reach the bus in the order in which they came. One group is in flight; what waits meanwhile travels together next.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ingressSubject } from "@mio/shared/bus/names/subjects.ts";
import { encodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import type { BusState } from "@mio/shared/bus/wire/telemetry.ts";
import { bytesToHex } from "@noble/hashes/utils.js";
import { BusWatch } from "./bus-state.ts";
import { type Closing, Closings } from "./closings/closings.ts";
import { Drainer } from "./drain.ts";
import { Flight } from "./flight.ts";
import { eventBytesMax, type UplinkLimits, uplinkLimits } from "./limits.ts";
import { measured, UplinkMeter } from "./meter.ts";
import type { BusLink, GroupMessage, UplinkPorts } from "./ports.ts";
import { appendWithin } from "./spool.ts";

export type { Closing } from "./closings/closings.ts";

/** Which uplink. A conversation that does not move keeps its own, so no layout's version is in its name. */
export interface Shard {
  region: string;
  shard: number;
}

/** Whose events, and the version of the account's layout that placed them here. */
export interface Placement extends Shard {
  accountId: string;
  layoutVersion: number;
}

export type Stored =
  | { kind: "stored"; spooled: boolean }
  /** Nothing may be promised; the platform shall retry. */
  | { kind: "unavailable"; reason: "queue_full" | "spool_full" | "storage_failed" | "failed" | "moved" }
  | { kind: "too_large" };

type Refused = Extract<Stored, { kind: "unavailable" }>;

export interface UplinkStatus {
  connected: boolean;
  bus: BusState;
  /** What the last publish met that was not acknowledged in time; undefined while all is well. */
  busReason: string | undefined;
  /** True while the bus does not answer although it may be connected. */
  stuck: boolean;
  queueEvents: number;
  queueBytes: number;
  spoolRows: number;
  spoolBytes: number;
  spoolOldestAgeMs: number;
  /** Rows that the bus will never take, such as too large ones: kept, and tried again when this uplink starts anew. Must be 0. */
  spoolAsideRows: number;
  groupsPublished: number;
  groupsSpooled: number;
  eventsStored: number;
  eventsRefused: number;
  rowsDrained: number;
  drainsFailed: number;
  duplicatesOnRetry: number;
  /** Must be 0: an id that was used for two groups loses the second. */
  duplicatesOutsideRetry: number;
}

/** What a bench puts in the place of an uplink's own. */
export interface UplinkParts {
  link?: BusLink;
  limits?: UplinkLimits;
}

/** One call of `store`: answered when its last event is. */
interface Ticket {
  shard: Shard;
  left: number;
  spooled: boolean;
  refused: Refused | undefined;
  resolve: (stored: Stored) => void;
}

interface Waiting {
  event: Uint8Array<ArrayBuffer>;
  arrivedMs: number;
  ticket: Ticket;
}

export class Uplink {
  readonly meter = new UplinkMeter();
  readonly #ports: UplinkPorts;
  readonly #limits: UplinkLimits;
  readonly #watch: BusWatch;
  readonly #flight: Flight;
  readonly #drainer: Drainer;
  readonly #closings: Closings<Stored>;
  readonly #counters = { groupsPublished: 0, groupsSpooled: 0, eventsStored: 0, eventsRefused: 0, duplicatesOutsideRetry: 0 };
  #waiting: Waiting[] = [];
  #queueBytes = 0;
  #pumping = false;
  /** Aborted to send what waits into the spool at once, because the queue is getting full. */
  #waitEnd = new AbortController();

  constructor(ports: UplinkPorts, limits: UplinkLimits = uplinkLimits) {
    this.#ports = { ...ports, link: measured(ports.link, ports.clock, this.meter) };
    this.#limits = limits;
    this.#watch = new BusWatch(this.#ports.link, limits, ({ state, reason }) =>
      ports.log?.({ level: state === "answering" ? "info" : "warn", event: "bus_state", bus: state, reason }),
    );
    this.#flight = new Flight(this.#ports, limits, this.#watch);
    this.#drainer = new Drainer(this.#ports, limits, this.#flight, this.#watch);
    this.#closings = new Closings(ports.closings, ports.clock);
    ports.link.onChange(() => {
      if (ports.link.connected) void this.#drainer.run("now");
    });
  }

  /** Stores events in this order. Resolves with `stored` only when the bus or the spool has them all. Never rejects. */
  store(placement: Placement, events: readonly Uint8Array<ArrayBuffer>[]): Promise<Stored> {
    // Placed by a directory from before the account moved.
    if (this.#closings.refuses(placement)) return Promise.resolve({ kind: "unavailable", reason: "moved" });
    return this.#enqueue(placement, events);
  }

  /**
   * From its start on, nothing of the account is taken under an older layout; resolves with `stored` when a closing marker stands behind
   * all that was. Again and again is harmless. Never rejects.
   */
  closeLayout(shard: Shard, closing: Closing): Promise<Stored> {
    const failed = (): Stored => ({ kind: "unavailable", reason: "storage_failed" });
    return this.#closings.close(closing, (marker) => this.#enqueue(shard, [marker])).catch(failed);
  }

  #enqueue(shard: Shard, events: readonly Uint8Array<ArrayBuffer>[]): Promise<Stored> {
    if (events.length === 0) return Promise.resolve({ kind: "stored", spooled: false });
    if (events.some((event) => event.length > eventBytesMax)) return Promise.resolve({ kind: "too_large" });
    const bytes = events.reduce((sum, event) => sum + event.length, 0);
    if (this.#queueBytes + bytes > this.#limits.queueBytesMax) {
      this.#endWait();
      this.#counters.eventsRefused += events.length;
      return Promise.resolve({ kind: "unavailable", reason: "queue_full" });
    }
    // Half full: what waits goes to the spool while there is room for what comes.
    if (this.#queueBytes + bytes > this.#limits.queueBytesMax / 2) this.#endWait();
    this.#queueBytes += bytes;
    return new Promise((resolve) => {
      const ticket: Ticket = { shard, left: events.length, spooled: false, refused: undefined, resolve };
      const arrivedMs = this.#ports.clock.monotonicMs();
      for (const event of events) this.#waiting.push({ event, arrivedMs, ticket });
      void this.#pump();
    });
  }

  /**
   * After the host made this uplink anew: what an earlier one left in the spool has an alarm again, should that be lost, and what it set
   * aside is tried again, for the bus may take it now.
   */
  async start(): Promise<void> {
    try {
      if (this.#ports.spool.state.asideRows > 0) this.#ports.spool.takeBack();
    } catch {
      // It stays where it is, until the next start.
    }
    await this.#arm();
  }

  /**
   * The alarm's handler. Sets the next alarm before it does anything that may fail, because the platform forgets an alarm whose handler
   * keeps throwing. Never rejects.
   */
  async wake(): Promise<void> {
    await this.#arm();
    const long = new AbortController();
    await Promise.race([this.#drainer.run("now"), this.#ports.clock.sleep(this.#limits.wakeMaxMs, long.signal).catch(() => {})]);
    long.abort();
    await this.#arm();
  }

  status(): UplinkStatus {
    const { rows, bytes, oldestAtMs, asideRows } = this.#ports.spool.state;
    const { rowsDrained, drainsFailed, duplicates } = this.#drainer.counters;
    return {
      connected: this.#ports.link.connected,
      bus: this.#watch.view.state,
      busReason: this.#watch.view.reason,
      stuck: this.#drainer.stuck,
      queueEvents: this.#waiting.length,
      queueBytes: this.#queueBytes,
      spoolRows: rows,
      spoolBytes: bytes,
      spoolOldestAgeMs: oldestAtMs === undefined ? 0 : Math.max(0, this.#ports.clock.nowMs() - oldestAtMs),
      spoolAsideRows: asideRows,
      ...this.#counters,
      rowsDrained,
      drainsFailed,
      duplicatesOnRetry: duplicates,
    };
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#waiting.length > 0) {
        await this.#waitForDrain();
        const group = this.#takeGroup();
        // Whatever goes wrong in between, nobody is left without an answer.
        const stored = await this.#storeGroup(group).catch((): Refused => ({ kind: "unavailable", reason: "failed" }));
        this.#answer(group, stored);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** While rows wait, newer events queue behind them: until the spool is empty, or for as long as they can wait. */
  async #waitForDrain(): Promise<void> {
    const { spool, clock } = this.#ports;
    if (spool.state.rows === 0) return;
    const drained = this.#drainer.run("due");
    const first = this.#waiting[0];
    const { deadlineMs } = this.#limits;
    // Not longer than one deadline for the row in flight either: then the bus does not answer, and nobody waits for it.
    const waitMs = first ? Math.min(first.arrivedMs - clock.monotonicMs(), -this.#flight.openMs) + deadlineMs : 0;
    if (!this.#busAnswers() || waitMs <= 0) return;
    const enough = new AbortController();
    const signal = AbortSignal.any([enough.signal, this.#waitEnd.signal]);
    await Promise.race([drained, clock.sleep(waitMs, signal).catch(() => {})]);
    enough.abort();
  }

  async #storeGroup(group: readonly Waiting[]): Promise<Extract<Stored, { kind: "stored" }> | Refused> {
    const groupId = bytesToHex(this.#ports.random.bytes(16));
    this.meter.grouped(group.length);
    if (this.#ports.spool.state.rows === 0 && this.#busAnswers()) {
      const message = this.#messageOf(groupId, group, false);
      const published = await this.#flight.publish(message, this.#limits.deadlineMs, this.#waitEnd.signal);
      if (published.kind === "acknowledged") {
        this.#drainer.noteSuccess();
        this.#counters.groupsPublished += 1;
        if (published.duplicate) this.#counters.duplicatesOutsideRetry += 1;
        return { kind: "stored", spooled: false };
      }
      this.#drainer.noteFailure();
    }
    // Of unknown outcome, or behind others: it enters the spool before anything behind it is published.
    const message = this.#messageOf(groupId, group, true);
    const appended = await appendWithin(this.#ports.spool, message, this.#limits, this.#ports.clock);
    if (appended.kind === "refused") {
      // With a spool that takes nothing a slow bus is better than none.
      this.#watch.forget();
      return { kind: "unavailable", reason: appended.reason };
    }
    this.#counters.groupsSpooled += 1;
    void this.#drainer.run("due");
    return { kind: "stored", spooled: true };
  }

  #messageOf(groupId: string, group: readonly Waiting[], spooled: boolean): GroupMessage {
    const shard = group[0]?.ticket.shard;
    if (!shard) throw new Error("a group holds at least one event");
    const body = encodeIngressGroup({
      id: groupId,
      region: shard.region,
      shard: shard.shard,
      groupedAt: timestampFromMs(this.#ports.clock.nowMs()),
      spooled,
      events: group.map((waiting) => waiting.event),
    });
    return { subject: ingressSubject(shard.region, shard.shard), messageId: groupId, body };
  }

  #takeGroup(): Waiting[] {
    if (this.#waitEnd.signal.aborted) this.#waitEnd = new AbortController();
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && (count >= this.#limits.groupEventsMax || bytes + waiting.event.length > this.#limits.groupBytesMax)) break;
      bytes += waiting.event.length;
      count += 1;
    }
    const group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return group;
  }

  #answer(group: readonly Waiting[], stored: Extract<Stored, { kind: "stored" }> | Refused): void {
    for (const { event, ticket } of group) {
      this.#queueBytes -= event.length;
      if (stored.kind === "unavailable") ticket.refused = stored;
      else ticket.spooled ||= stored.spooled;
      this.#counters[stored.kind === "stored" ? "eventsStored" : "eventsRefused"] += 1;
      ticket.left -= 1;
      if (ticket.left === 0) ticket.resolve(ticket.refused ?? { kind: "stored", spooled: ticket.spooled });
    }
  }

  /** True while an answer in time can be expected. From a slow bus it cannot: what comes is spooled at once, and drained as it answers. */
  #busAnswers(): boolean {
    const { state } = this.#watch.view;
    if (state === "away" || state === "slow") return false;
    return this.#ports.spool.state.rows === 0 || (state === "answering" && !this.#drainer.stuck);
  }

  #endWait(): void {
    this.#waitEnd.abort();
  }

  /** The next alarm while there is something to drain. A storage that fails here fails every request too, and they say so. */
  async #arm(): Promise<void> {
    if (this.#ports.spool.state.rows === 0) return;
    try {
      await this.#ports.spool.arm(this.#ports.clock.nowMs() + Math.max(this.#limits.retryMinMs, this.#drainer.retryInMs));
    } catch {
      // This call promised nothing: the rows are kept, and the next request or start of the object arms the alarm again.
    }
  }
}
