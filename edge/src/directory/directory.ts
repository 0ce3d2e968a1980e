// Route to value, as one isolate sees it: a small cache in front of the directory object. "Not loaded" is not "unknown": only a
// route that is missing from a directory known to be whole is unknown, and only that may become a 401 or a 404. Values come sealed and are
// opened here, in memory.
import type { DirectoryValue } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { directoryKeyOf, openDirectoryValue } from "@mio/shared/bus/wire/directory.ts";
import type { Opener } from "@mio/shared/bus/wire/sealed-value.ts";
import type { Clock } from "@mio/shared/clock.ts";
import { isMoving, layoutOf } from "../uplink/layout.ts";

/** How long an isolate trusts an answer of the directory object, misses included. */
export const cacheMs = 5_000;
/** The same while an account is being moved: after its move, a conversation is refused for at most so long. */
const movingCacheMs = 250;
const cacheEntriesMax = 10_000;
/** Apart from what was found: who invents workspaces by the thousand shall not push out those that there are. */
const missesMax = 2_000;

export type Found = { kind: "found"; value: DirectoryValue } | { kind: "unknown" } | { kind: "not_loaded" };

/** What the directory object says about keys, in their order. */
export interface Lookup {
  /** Sealed. */
  values: (Uint8Array | undefined)[];
  /** True when a key without a value is certainly no route. */
  whole: boolean;
}

export interface DirectorySource {
  /** Rejects when the object cannot be reached. */
  lookup(keys: string[]): Promise<Lookup>;
}

export class Directory {
  readonly #source: DirectorySource;
  readonly #opener: Opener;
  readonly #clock: Clock;
  readonly #edge: string;
  /** In order of their reading, so that the first is the one to forget. */
  readonly #cache = new Map<string, { found: Extract<Found, { kind: "found" }>; freshUntilMs: number }>();
  /** Routes that were certainly unknown, and until when that is believed. In order of their reading as well. */
  readonly #misses = new Map<string, number>();

  /** `edge`: whose directory it is, by its region. */
  constructor(source: DirectorySource, opener: Opener, clock: Clock, edge: string) {
    this.#source = source;
    this.#opener = opener;
    this.#clock = clock;
    this.#edge = edge;
  }

  /** Never rejects: an object that cannot be reached is "not loaded", but what was found before goes on. */
  async find<const Routes extends readonly string[]>(routes: Routes): Promise<{ [Index in keyof Routes]: Found }>;
  async find(routes: readonly string[]): Promise<Found[]> {
    const missing = routes.filter((route) => !this.#fresh(route));
    if (missing.length > 0) {
      try {
        const { values, whole } = await this.#source.lookup(missing.map(directoryKeyOf));
        for (const [index, route] of missing.entries()) this.#remember(route, await this.#foundOf(route, values[index], whole));
      } catch {
        // The object is being moved or restarted; known routes go on. What was unknown once may be somebody's by now.
      }
    }
    return routes.map((route) => this.#cache.get(route)?.found ?? { kind: this.#fresh(route) ? "unknown" : "not_loaded" });
  }

  /** What is remembered of an account is asked again at the next request; while nobody answers it goes on. */
  doubt(accountId: string): void {
    for (const entry of this.#cache.values())
      if (entry.found.value.account?.accountId === accountId) entry.freshUntilMs = Number.NEGATIVE_INFINITY;
  }

  #fresh(route: string): boolean {
    const freshUntilMs = this.#cache.get(route)?.freshUntilMs ?? this.#misses.get(route);
    return freshUntilMs !== undefined && this.#clock.monotonicMs() < freshUntilMs;
  }

  #remember(route: string, found: Found): void {
    const nowMs = this.#clock.monotonicMs();
    this.#misses.delete(route);
    // "Not loaded" is asked again by the next request, and never forgets a route that was found.
    if (found.kind === "not_loaded") return;
    this.#cache.delete(route);
    if (found.kind === "unknown") {
      forgetOldest(this.#misses, missesMax);
      this.#misses.set(route, nowMs + cacheMs);
      return;
    }
    forgetOldest(this.#cache, cacheEntriesMax);
    const { account } = found.value;
    const forMs = account && isMoving(layoutOf(account), this.#edge) ? movingCacheMs : cacheMs;
    this.#cache.set(route, { found, freshUntilMs: nowMs + forMs });
  }

  async #foundOf(route: string, bytes: Uint8Array | undefined, whole: boolean): Promise<Found> {
    if (bytes === undefined) return { kind: whole ? "unknown" : "not_loaded" };
    const opened = await openDirectoryValue(this.#opener, directoryKeyOf(route), bytes);
    // What a newer core wrote, what another key sealed, or what stands under another route's key is there but tells us nothing.
    if (opened.kind !== "value") return { kind: "not_loaded" };
    return opened.value.removed ? { kind: "unknown" } : { kind: "found", value: opened.value };
  }
}

/** Makes room for one more. */
function forgetOldest(entries: Map<string, unknown>, entriesMax: number): void {
  const oldest = entries.keys().next();
  if (entries.size >= entriesMax && !oldest.done) entries.delete(oldest.value);
}
