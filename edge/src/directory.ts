// Route to value, as one isolate sees it: a small cache in front of the directory object. "Not loaded" is not "unknown": only a
// route that is missing from a directory known to be whole is unknown, and only that may become a 401 or a 404. Values come sealed and are
// opened here, in memory.
import type { DirectoryValue } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { directoryKeyOf, openDirectoryValue } from "@mio/shared/bus/directory.ts";
import type { Opener } from "@mio/shared/bus/sealed-value.ts";
import type { Clock } from "@mio/shared/clock.ts";
import { isMoving, layoutOf } from "./layout.ts";

/** How long an isolate trusts what it was told, misses included. */
export const cacheMs = 5_000;
/** The same while an account is being moved: for so long at most is a conversation refused in vain. */
const movingCacheMs = 250;
const cacheEntriesMax = 10_000;

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
  readonly #cache = new Map<string, { found: Found; freshUntilMs: number }>();

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
        // The object is being moved or restarted; known routes go on.
      }
    }
    return routes.map((route) => this.#cache.get(route)?.found ?? { kind: "not_loaded" });
  }

  /** What is remembered of an account is asked again at the next request; while nobody answers it goes on. */
  doubt(accountId: string): void {
    for (const entry of this.#cache.values())
      if (entry.found.kind === "found" && entry.found.value.account?.accountId === accountId)
        entry.freshUntilMs = Number.NEGATIVE_INFINITY;
  }

  #fresh(route: string): boolean {
    const entry = this.#cache.get(route);
    return entry !== undefined && this.#clock.monotonicMs() < entry.freshUntilMs;
  }

  #remember(route: string, found: Found): void {
    const before = this.#cache.get(route);
    this.#cache.delete(route);
    // "Not loaded" is asked again by the next request, and never forgets a route that was found.
    if (found.kind === "not_loaded") {
      if (before?.found.kind === "found") this.#cache.set(route, before);
      return;
    }
    const oldest = this.#cache.keys().next();
    if (this.#cache.size >= cacheEntriesMax && !oldest.done) this.#cache.delete(oldest.value);
    const account = found.kind === "found" ? found.value.account : undefined;
    const forMs = account && isMoving(layoutOf(account), this.#edge) ? movingCacheMs : cacheMs;
    this.#cache.set(route, { found, freshUntilMs: this.#clock.monotonicMs() + forMs });
  }

  async #foundOf(route: string, bytes: Uint8Array | undefined, whole: boolean): Promise<Found> {
    if (bytes === undefined) return { kind: whole ? "unknown" : "not_loaded" };
    const opened = await openDirectoryValue(this.#opener, directoryKeyOf(route), bytes);
    // What a newer core wrote, what another key sealed, or what stands under another route's key is there but tells us nothing.
    if (opened.kind !== "value") return { kind: "not_loaded" };
    return opened.value.removed ? { kind: "unknown" } : { kind: "found", value: opened.value };
  }
}
