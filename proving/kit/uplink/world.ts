// A small world around one shard's uplink, driven by a seed: a bus that loses, delays and forgets to answer, a disk that commits late
// or breaks, an object that is killed at any wait, or replaced while it still runs. What is on the bus and on disk is there to be judged.

import type { ClosingStore } from "@mio/edge/uplink/closings/closings.ts";
import { uplinkLimits } from "@mio/edge/uplink/limits.ts";
import type { BusLink, GroupMessage, Published, Spool, SpoolRow } from "@mio/edge/uplink/ports.ts";
import { type Closing, type Placement, type Stored, Uplink } from "@mio/edge/uplink/uplink.ts";
import { decodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import type { Random } from "@mio/shared/random.ts";
import type { ManualClock } from "../time/manual-clock.ts";

/** As JetStream's default. */
const dedupeWindowMs = 120_000;

export const shard = { region: "eu", shard: 0, accountId: "a", layoutVersion: 1 };

interface Disk {
  rows: (SpoolRow & { atMs: number })[];
  nextId: number;
  alarmAtMs: number | undefined;
  closings: Map<string, number>;
}

interface Instance {
  uplink: Uplink;
  /** Dead code runs no further; a replaced one runs on, but its storage refuses. */
  life: "alive" | "replaced" | "dead";
  link: { connected: boolean; listeners: (() => void)[]; inFlight: Set<(published: Published) => void> };
  pending: (() => void)[];
  /** Its storage failed, as for a replaced one. */
  broken: boolean;
  died: Promise<never>;
  die: () => void;
}

type Storing = Pick<Instance, "life" | "pending" | "broken">;

export class World {
  /** Groups in the stream's order, by their event texts; a repeat of a message id is not stored twice. */
  readonly stream: string[][] = [];
  readonly disk: Disk = { rows: [], nextId: 1, alarmAtMs: undefined, closings: new Map() };
  /** Off at the end: then everything works. */
  faults = true;
  bus: "up" | "slow" | "full" | "silent" | "down" = "up";
  kills = 0;
  /** When each message id was stored: the broker forgets them. */
  readonly #ids = new Map<string, number>();
  readonly #clock: ManualClock;
  readonly #random: Random;
  #present: Instance | undefined;
  #wakeups = 0;

  /** Told of each group that the stream takes, as it takes it. */
  readonly #arrived: (events: readonly Uint8Array[]) => void;

  constructor(clock: ManualClock, random: Random, arrived: (events: readonly Uint8Array[]) => void = () => {}) {
    this.#arrived = arrived;
    this.#clock = clock;
    this.#random = random;
  }

  /** As a Worker calls its object: rejects when the object dies in between. */
  store(events: string[], placement: Placement = shard): Promise<Stored> {
    const instance = this.#instance();
    const bytes = events.map((text) => new TextEncoder().encode(text));
    return Promise.race([instance.uplink.store(placement, bytes), instance.died]);
  }

  /** As `store`. */
  closeLayout(closing: Closing, placement: Placement = shard): Promise<Stored> {
    const instance = this.#instance();
    return Promise.race([instance.uplink.closeLayout(placement, closing), instance.died]);
  }

  /** Events on disk for good. */
  committed(): string[] {
    return this.disk.rows.flatMap((row) => eventsOf(row));
  }

  setBus(bus: World["bus"]): void {
    this.bus = bus;
    const link = this.#present?.link;
    if (!link) return;
    if (bus === "down") this.#disconnect(link);
    else if (!link.connected) this.#reconnectSoon(link);
  }

  loseConnection(): void {
    if (this.#present) this.#disconnect(this.#present.link);
    if (this.#present && this.bus !== "down") this.#reconnectSoon(this.#present.link);
  }

  /** The object is gone: what it had not committed is lost, but for a part that the disk had taken already. */
  kill(): void {
    const instance = this.#present;
    if (!instance) return;
    this.kills += 1;
    this.#commitSome(instance);
    if (this.faults && this.chance(0.3)) {
      instance.life = "replaced";
      this.#clock.after(this.#between(50, 1_500), () => this.#end(instance));
    } else this.#end(instance);
    this.#present = undefined;
  }

  /** Somebody asks for its state, which starts the object again where it is gone. */
  touch(): void {
    this.#instance();
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  #end(instance: Instance): void {
    instance.life = "dead";
    instance.link.inFlight.clear();
    instance.die();
  }

  #commitSome(instance: Instance): void {
    const count = Math.floor(this.#random.next() * (instance.pending.length + 1));
    for (const operation of instance.pending.splice(0, count)) operation();
    instance.pending.length = 0;
  }

  #instance(): Instance {
    if (this.#present) return this.#present;
    const link: Instance["link"] = { connected: this.bus !== "down" && this.chance(0.7), listeners: [], inFlight: new Set() };
    const { promise: died, reject } = Promise.withResolvers<never>();
    died.catch(() => {});
    const life: Pick<Instance, "life" | "pending" | "link" | "broken"> = { life: "alive", pending: [], broken: false, link };
    const clock = {
      nowMs: () => this.#clock.nowMs(),
      monotonicMs: () => this.#clock.monotonicMs(),
      sleep: async (ms: number, signal?: AbortSignal) => {
        await this.#clock.sleep(ms, signal);
        await this.#mayDie(life);
      },
      after: (ms: number, ring: () => void) => {
        let wanted = true;
        const cancel = this.#clock.after(ms, async () => {
          await this.#mayDie(life);
          if (wanted) ring();
        });
        return () => {
          wanted = false;
          cancel();
        };
      },
    };
    const ports = {
      link: this.#link(life),
      spool: this.#spool(life),
      closings: this.#closings(life),
      clock,
      random: this.#random,
    };
    const instance: Instance = Object.assign(life, {
      uplink: new Uplink(ports),
      died,
      die: () => reject(new Error("the object was lost")),
    });
    this.#present = instance;
    if (!link.connected && this.bus !== "down") this.#reconnectSoon(link);
    void instance.uplink.start();
    return instance;
  }

  /** Between a port's work and its answer the object may be killed; what is dead waits for ever. */
  async #mayDie(life: Pick<Instance, "life">): Promise<void> {
    if (this.faults && life === this.#present && this.chance(0.002)) this.kill();
    if (life.life === "dead") await new Promise(() => {});
  }

  #link(life: Pick<Instance, "life" | "link">): BusLink {
    const { link } = life;
    return {
      get connected() {
        return link.connected;
      },
      onChange: (listener) => void link.listeners.push(listener),
      suspect: () => {
        if (!this.faults || !this.chance(0.2) || life !== this.#present || !link.connected) return;
        this.#disconnect(link);
        if (this.bus !== "down") this.#reconnectSoon(link);
      },
      publish: async (message) => {
        await this.#mayDie(life);
        if (!link.connected) return { kind: "not_acknowledged", reason: "not connected" };
        const published = await new Promise<Published>((resolve) => {
          link.inFlight.add(resolve);
          this.#send(message, (ack) => {
            if (link.inFlight.delete(resolve)) resolve(ack);
          });
        });
        await this.#mayDie(life);
        return published;
      },
    };
  }

  #send(message: GroupMessage, acknowledge: (ack: Published) => void): void {
    const luck = this.faults ? this.#random.next() : 1;
    if (luck < 0.02) return;
    const late = luck < 0.06 || this.bus === "silent" || this.bus === "down";
    const arriveMs = late ? this.#between(500, 12_000) : this.#between(1, 20);
    this.#clock.after(arriveMs, () => {
      // What was on its way into a server that went down is lost, or was read just before.
      if (this.bus === "down" && this.chance(0.5)) return;
      if (this.bus === "full") return acknowledge({ kind: "refused", reason: "full", ofMessage: false });
      if (luck > 0.06 && luck < 0.08) return acknowledge({ kind: "refused", reason: "refused", ofMessage: false });
      const storedMs = this.#ids.get(message.messageId) ?? Number.NEGATIVE_INFINITY;
      const duplicate = this.#clock.monotonicMs() - storedMs < dedupeWindowMs;
      if (!duplicate) this.#ids.set(message.messageId, this.#clock.monotonicMs());
      if (!duplicate) {
        this.stream.push(eventsOf(message));
        this.#arrived(groupOf(message));
      }
      if (luck > 0.08 && luck < 0.11) return;
      const ackMs = this.bus === "slow" ? this.#between(900, 6_000) : this.#between(1, 20);
      this.#clock.after(ackMs, () => acknowledge({ kind: "acknowledged", duplicate }));
    });
  }

  #disconnect(link: Instance["link"]): void {
    link.connected = false;
    for (const resolve of [...link.inFlight]) resolve({ kind: "not_acknowledged", reason: "connection lost" });
    link.inFlight.clear();
    for (const listener of link.listeners) listener();
  }

  #reconnectSoon(link: Instance["link"]): void {
    this.#clock.after(this.#between(5, 600), () => {
      if (link.connected || this.bus === "down") return;
      link.connected = true;
      for (const listener of link.listeners) listener();
    });
  }

  #commit(life: Storing, operation: () => void): Promise<void> {
    life.pending.push(operation);
    return new Promise((resolve, reject) => {
      this.#clock.after(this.#between(0, 15), async () => {
        if (life.life !== "alive" || life.broken) return reject(new Error("the storage refuses"));
        for (const each of life.pending.splice(0, life.pending.indexOf(operation) + 1)) each();
        await this.#mayDie(life);
        resolve();
      });
    });
  }

  #closings(life: Storing): ClosingStore {
    const { closings } = this.disk;
    return {
      notAloneForMs: 3_000,
      read: () => new Map(closings),
      write: async (accountId, layoutVersion) => {
        if (life.life !== "alive" || life.broken) throw new Error("the storage refuses");
        await this.#commit(life, () => closings.set(accountId, Math.max(layoutVersion, closings.get(accountId) ?? 0)));
      },
    };
  }

  #spool(life: Storing): Spool {
    const { disk } = this;
    let rows = [...disk.rows];
    const storage = () => {
      if (life.life !== "alive" || life.broken) throw new Error("the storage refuses");
    };
    /** An error that goes by, where nothing was written. */
    const hiccup = () => {
      storage();
      if (this.faults && this.chance(0.01)) throw new Error("the storage failed this time");
    };
    const commit = (operation: () => void) => this.#commit(life, operation);
    return {
      get state() {
        const bytes = rows.reduce((sum, { body }) => sum + body.length, 0);
        return { rows: rows.length, bytes, asideRows: 0, asideBytes: 0, oldestAtMs: rows[0]?.atMs };
      },
      append: async (message) => {
        storage();
        if (this.faults && this.chance(0.005)) {
          life.broken = true;
          this.#clock.after(5, () => life === this.#present && this.kill());
          storage();
        }
        const row = { ...message, id: disk.nextId, atMs: this.#clock.nowMs() };
        disk.nextId += 1;
        rows.push(row);
        await commit(() => {
          disk.rows.push(row);
          this.#setAlarm(disk.alarmAtMs ?? row.atMs + 1_000);
        });
      },
      oldest: (bounds) => {
        hiccup();
        return rows.slice(0, bounds.rows);
      },
      remove: (gone) => {
        hiccup();
        const ids = new Set(gone.map(({ id }) => id));
        rows = rows.filter(({ id }) => !ids.has(id));
        commit(() => {
          disk.rows = disk.rows.filter(({ id }) => !ids.has(id));
        }).catch(() => {});
      },
      setAside: () => {
        throw new Error("nothing in this world is too large");
      },
      takeBack: () => {},
      arm: async (atMs) => {
        hiccup();
        return commit(() => this.#setAlarm(atMs));
      },
    };
  }

  #setAlarm(atMs: number): void {
    this.disk.alarmAtMs = atMs;
    this.#wakeups += 1;
    // The platform has forgotten it.
    if (this.faults && this.chance(0.02)) {
      this.disk.alarmAtMs = undefined;
      return;
    }
    const wakeup = this.#wakeups;
    this.#clock.after(atMs - this.#clock.nowMs(), () => wakeup === this.#wakeups && void this.#ring(0));
  }

  /** The platform rings at least once, and again up to six times when the object is lost in between. */
  async #ring(retries: number): Promise<void> {
    this.disk.alarmAtMs = undefined;
    const instance = this.#instance();
    try {
      await Promise.race([instance.uplink.wake(), instance.died]);
    } catch {
      if (retries < 6) this.#clock.after(2_000, () => this.disk.alarmAtMs === undefined && void this.#ring(retries + 1));
    }
  }

  #between(fromMs: number, toMs: number): number {
    return Math.floor(fromMs + this.#random.next() * (toMs - fromMs));
  }
}

function eventsOf(message: GroupMessage): string[] {
  return groupOf(message).map((bytes) => new TextDecoder().decode(bytes));
}

function groupOf({ body }: GroupMessage): Uint8Array[] {
  const decoded = decodeIngressGroup(body);
  if (decoded.kind !== "group") throw new Error(`a group is ${decoded.kind}`);
  if (decoded.group.events.length > uplinkLimits.groupEventsMax) throw new Error("a group is over its limit");
  return decoded.group.events;
}
