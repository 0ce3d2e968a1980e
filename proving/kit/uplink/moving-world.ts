// One account at two edges that do not know of each other, its uplinks under faults from a seed, and a core that reads each partition at its own
// pace. Core is less forgiving than the real one: what comes behind a later event of its conversation is lost, so that order is proved with it.

import { closeOlder, isMoving, type ShardLayout, shardOf, uplinkName } from "@mio/edge/uplink/layout.ts";
import type { Closing, Shard } from "@mio/edge/uplink/uplink.ts";
import { storeDeadlineMs } from "@mio/edge/webhook/store-all.ts";
import { decodeIngressEvent } from "@mio/shared/bus/wire/ingress-group.ts";
import type { Spread } from "@mio/shared/layout.ts";
import type { Random } from "@mio/shared/random.ts";
import type { ManualClock } from "../time/manual-clock.ts";
import { World } from "./world.ts";

const accountId = "11111111-1111-4111-8111-111111111111";

/** The words of one edge's isolates: each remembers a layout for as long as it likes. */
interface Isolate {
  edge: string;
  layout: ShardLayout;
}

export class MovingWorld {
  /** What core has published, by conversation. */
  readonly published = new Map<string, string[]>();
  /** Each uplink's world, by edge and name. */
  readonly worlds = new Map<string, World>();
  readonly isolates: Isolate[];
  moves = 0;
  refusedAsMoving = 0;
  refusedAsMoved = 0;
  readonly #clock: ManualClock;
  readonly #random: Random;
  readonly #layouts: ShardLayout[] = [{ region: "eu", shardCount: 2, layoutVersion: 1, previous: [], closedBy: [] }];
  /** By layout version and edge, the uplinks whose closing markers core has read. */
  readonly #closed = new Map<string, Set<string>>();
  readonly #partitions = new Map<string, { sequence: number; bytes: Uint8Array }[]>();
  readonly #lastSequence = new Map<string, number>();
  readonly #known = new Set<string>();
  #sequence = 0;

  constructor(clock: ManualClock, random: Random, edges: readonly string[], isolatesEach: number) {
    this.#clock = clock;
    this.#random = random;
    this.isolates = edges.flatMap((edge) => Array.from({ length: isolatesEach }, () => ({ edge, layout: this.layout })));
  }

  /** As the directory has it now. */
  get layout(): ShardLayout {
    const layout = this.#layouts.at(-1);
    if (!layout) throw new Error("there is a layout from the start");
    return layout;
  }

  move(to: Spread): void {
    const { region, shardCount, layoutVersion, previous } = this.layout;
    const before = [
      ...previous.filter((each) => each.region !== region || each.shardCount !== shardCount),
      { region, shardCount },
    ];
    this.#layouts.push({ ...to, layoutVersion: layoutVersion + 1, previous: before, closedBy: [] });
    this.moves += 1;
  }

  /** One webhook at an isolate, as the pipe handles it: true when it was answered 2xx. */
  async post(isolate: Isolate, conversation: string, events: string[]): Promise<boolean> {
    const { edge, layout } = isolate;
    const shard = shardOf(layout, edge, conversation);
    if (shard === undefined) {
      this.refusedAsMoving += 1;
      const close = (each: Shard, closing: Closing) =>
        this.#worldOf(edge, each).closeLayout(closing, { ...each, accountId, layoutVersion: 0 });
      await this.#within(300, closeOlder(close, accountId, layout, edge));
      this.#refresh(isolate);
      return false;
    }
    const { layoutVersion } = layout;
    const placement = { ...shard, accountId, layoutVersion };
    const stored = await this.#within(storeDeadlineMs, this.#worldOf(edge, shard).store(events, placement));
    if (stored?.kind === "unavailable" && stored.reason === "moved") {
      this.refusedAsMoved += 1;
      this.#refresh(isolate);
    }
    return stored?.kind === "stored";
  }

  /** An isolate looks at the directory now and then; what it is told may be old already. */
  look(isolate: Isolate): void {
    this.#refresh(isolate);
  }

  /** True when every edge has gone over to the present layout. */
  over(): boolean {
    return this.isolates.every(({ edge }) => !isMoving(this.layout, edge));
  }

  #refresh(isolate: Isolate): void {
    const { layout } = this;
    if (layout.layoutVersion >= isolate.layout.layoutVersion) isolate.layout = layout;
  }

  async #within<Done>(ms: number, work: Promise<Done>): Promise<Done | undefined> {
    return Promise.race([work.catch(() => undefined), this.#clock.sleep(ms).then(() => undefined)]);
  }

  #worldOf(edge: string, shard: Shard): World {
    const name = `${edge}/${uplinkName(shard)}`;
    const known = this.worlds.get(name);
    if (known) return known;
    const partition = uplinkName(shard);
    const world = new World(this.#clock, this.#random, (events) => this.#arrive(partition, events));
    this.worlds.set(name, world);
    return world;
  }

  #arrive(partition: string, events: readonly Uint8Array[]): void {
    const log = this.#partitions.get(partition) ?? [];
    if (!this.#partitions.has(partition)) {
      this.#partitions.set(partition, log);
      void this.#read(partition, log);
    }
    this.#sequence += 1;
    for (const bytes of events) log.push({ sequence: this.#sequence, bytes });
  }

  async #read(partition: string, log: { sequence: number; bytes: Uint8Array }[]): Promise<void> {
    for (let at = 0; ; ) {
      // Its owner is quick, or paused, or another takes over.
      await this.#clock.sleep(this.#random.next() < 0.03 ? this.#random.next() * 6_000 : 1 + this.#random.next() * 40);
      for (const end = log.length; at < end; at++) {
        const entry = log[at];
        if (entry) this.#publish(partition, entry);
      }
    }
  }

  #publish(partition: string, { sequence, bytes }: { sequence: number; bytes: Uint8Array }): void {
    const text = new TextDecoder().decode(bytes);
    const [, conversation] = /^(\w+)\/\d+\.\d+$/.exec(text) ?? [];
    if (conversation === undefined) this.#noteClosing(partition, bytes);
    if (conversation === undefined || this.#known.has(text)) return;
    this.#known.add(text);
    if (sequence < (this.#lastSequence.get(conversation) ?? 0)) return;
    this.#lastSequence.set(conversation, sequence);
    this.published.set(conversation, [...(this.published.get(conversation) ?? []), text]);
  }

  #noteClosing(partition: string, bytes: Uint8Array): void {
    const decoded = decodeIngressEvent(bytes);
    if (decoded.kind !== "event" || decoded.event.body.case !== "layoutClosed") throw new Error("a strange event");
    const { edge } = decoded.event.body.value;
    const layoutVersion = Number(decoded.event.body.value.generation);
    const layout = this.layout;
    if (layoutVersion !== layout.layoutVersion) return;
    const key = `${layoutVersion} ${edge}`;
    const closed = this.#closed.get(key) ?? new Set();
    this.#closed.set(key, closed.add(partition));
    const all = layout.previous.flatMap(({ region, shardCount }) =>
      Array.from({ length: shardCount }, (_, shard) => uplinkName({ region, shard })),
    );
    if (all.every((name) => closed.has(name)) && !layout.closedBy.includes(edge))
      this.#layouts.push({ ...layout, closedBy: [...layout.closedBy, edge] });
  }
}
