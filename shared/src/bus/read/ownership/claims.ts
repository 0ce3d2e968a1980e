// Who may claim what, as pure decisions. ownership.ts brings what the bucket says, what this replica holds and since when it has seen others
// stand still, and carries out what comes of it. An owner is taken for dead only by the clock of who watches it, never by its own.
import type { Position } from "../position.ts";
import { type Entry, type FoundEntry, unreadableOwner } from "./entries.ts";

/** A number that somebody else moves on, and since when on our clock it has stood there. */
export interface Sighting {
  value: number;
  sinceMs: number;
}

export type Sightings = ReadonlyMap<string, Sighting>;

export interface Candidate {
  partition: string;
  /** Undefined when nobody ever held it. */
  found: FoundEntry | undefined;
}

interface Round {
  instance: string;
  candidates: readonly Candidate[];
  /** Live replicas, this one with them. */
  replicas: number;
  /** What we hold, in the order in which it came. */
  held: ReadonlyMap<string, { state: "held" | "releasing" | "ended" }>;
  /** Others' revisions, as seen so far. */
  seen: Sightings;
  nowMs: number;
  claimAfterMs: number;
}

interface RoundDecision {
  /** Above our share: to be given back. */
  surplus: readonly string[];
  claims: readonly Candidate[];
  seen: Sightings;
}

/** Each replica takes an even share, of what nobody holds or whose holder has been silent for as long as it takes. */
export function decideRound({ instance, candidates, replicas, held, seen, nowMs, claimAfterMs }: Round): RoundDecision {
  const share = Math.ceil(candidates.length / replicas);
  const mine = [...held].filter(([, { state }]) => state === "held").map(([partition]) => partition);
  const sightings = new Map(seen);
  const claimable = candidates.filter(({ partition, found }) => {
    if (held.has(partition)) return false;
    const claim = mayClaim(found, instance, seen.get(partition), nowMs, claimAfterMs);
    if (claim.sighting) sightings.set(partition, claim.sighting);
    return claim.may;
  });
  return { surplus: mine.slice(share), claims: claimable.slice(0, Math.max(0, share - held.size)), seen: sightings };
}

function mayClaim(
  found: FoundEntry | undefined,
  instance: string,
  before: Sighting | undefined,
  nowMs: number,
  claimAfterMs: number,
): { may: boolean; sighting?: Sighting } {
  if (found === undefined || found.entry.owner === "" || found.entry.owner === instance) return { may: true };
  if (found.entry.owner === unreadableOwner) return { may: false };
  const sighting = sightingOf(before, found.revision, nowMs);
  return { may: isSilent(sighting, nowMs, claimAfterMs), sighting };
}

/** The other replicas that live, with their beats. One whose beat has stood still for as long as a claim takes is none. */
export function liveReplicas(
  beats: Readonly<Record<string, number>>,
  instance: string,
  seen: Sightings,
  nowMs: number,
  claimAfterMs: number,
): { live: Record<string, number>; seen: Sightings } {
  const others = Object.entries(beats).filter(([name]) => name !== instance);
  const sightings = new Map(others.map(([name, beat]) => [name, sightingOf(seen.get(name), beat, nowMs)]));
  const live = others.filter(([name]) => {
    const sighting = sightings.get(name);
    return sighting !== undefined && !isSilent(sighting, nowMs, claimAfterMs);
  });
  return { live: Object.fromEntries(live), seen: sightings };
}

export interface Claim {
  /** What is written over what was found. */
  entry: Entry;
  /** From where to read on; undefined: from the beginning. */
  start: Position | undefined;
  /** Where it stood in a stream that is no more. */
  abandoned: Position | undefined;
}

/** A position counts in one stream: in another one, which `streamEpochMs` tells where it may be asked for, it is given up. */
export function claimOver(entry: Entry | undefined, instance: string, streamEpochMs: number | undefined): Claim {
  const stood = entry && entry.epoch > 0 ? { position: entry.position, finished: entry.finished } : undefined;
  const otherStream = entry?.streamEpochMs !== undefined && streamEpochMs !== undefined && entry.streamEpochMs !== streamEpochMs;
  const start = otherStream ? undefined : stood;
  const epoch = (entry?.epoch ?? 0) + 1;
  return {
    entry: { owner: instance, epoch, streamEpochMs, ...(start ?? { position: 0, finished: [] }) },
    start,
    abandoned: otherStream ? stood : undefined,
  };
}

function sightingOf(before: Sighting | undefined, value: number, nowMs: number): Sighting {
  return before?.value === value ? before : { value, sinceMs: nowMs };
}

function isSilent({ sinceMs }: Sighting, nowMs: number, claimAfterMs: number): boolean {
  return nowMs - sinceMs >= claimAfterMs;
}
