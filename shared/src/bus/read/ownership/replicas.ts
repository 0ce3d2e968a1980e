// Who else reads: one key of the bucket holds every replica's beat. A beat that stands still is removed by whoever sees it, so that shares are
// counted among the living.
import * as v from "valibot";
import type { Clock } from "../../../clock.ts";
import { liveReplicas, type Sightings } from "./claims.ts";
import { decodeJson, encodeJson } from "./entries.ts";
import type { PositionStore } from "./position-store.ts";

interface ReplicasOptions {
  store: PositionStore;
  group: string;
  instance: string;
  clock: Clock;
  claimAfterMs: number;
}

export interface Replicas {
  /** Writes this replica's beat and counts the live replicas, this one with them. */
  announce(): Promise<number>;
  leave(): Promise<void>;
  /** What could not be read has not been seen to stand still. */
  forgetSightings(): void;
}

const announceAttemptsMax = 10;
const leaveAttemptsMax = 3;
const beatsSchema = v.record(v.string(), v.number());

export function createReplicas({ store, group, instance, clock, claimAfterMs }: ReplicasOptions): Replicas {
  const key = `${group}.replicas`;
  let seen: Sightings = new Map();
  let beat = 0;

  return {
    async announce() {
      for (let attempt = 0; attempt < announceAttemptsMax; attempt += 1) {
        const { revision, beats } = await read();
        const found = liveReplicas(beats, instance, seen, clock.monotonicMs(), claimAfterMs);
        seen = found.seen;
        beat += 1;
        const next = { ...found.live, [instance]: beat };
        if ((await store.write(key, encodeJson(next), revision)) !== undefined) return Object.keys(next).length;
      }
      throw new Error(`${key} keeps changing under our hand; trying again`);
    },
    async leave() {
      for (let attempt = 0; attempt < leaveAttemptsMax; attempt += 1) {
        const { revision, beats } = await read();
        delete beats[instance];
        if ((await store.write(key, encodeJson(beats), revision)) !== undefined) return;
      }
    },
    forgetSightings() {
      seen = new Map();
    },
  };

  /** Beats that cannot be read are none. */
  async function read(): Promise<{ revision: number; beats: Record<string, number> }> {
    const found = await store.read(key);
    const parsed = v.safeParse(beatsSchema, found && decodeJson(found.value));
    return { revision: found?.revision ?? 0, beats: parsed.success ? parsed.output : {} };
  }
}
