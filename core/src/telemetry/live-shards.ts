// How each uplink stood when it last told: the newest word of each, forgotten after a while. An uplink that says nothing any more has
// nothing to do, or is cut off; both are no reason to show its last word for ever.
import type { EdgeTelemetry } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import { busLabel } from "@mio/shared/bus/wire/telemetry.ts";
import type { Clock } from "@mio/shared/clock.ts";

export interface ShardState {
  region: string;
  shard: number;
  connected: boolean;
  bus: string;
  spoolRows: number;
  spoolBytes: number;
  spoolOldestAgeMs: number;
  spoolAsideRows: number;
  /** Since it told, in milliseconds. */
  toldAgeMs: number;
}

/** Six messages that did not come. */
const liveMs = 60_000;
/** More shards than any layout has; beyond it new ones are left out. */
const shardsMax = 4_096;

interface Told {
  atMs: number;
  state: Omit<ShardState, "toldAgeMs">;
}

export class LiveShards {
  readonly #clock: Clock;
  /** By region and shard. */
  readonly #told = new Map<string, Told>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False when there are too many. */
  set({ region, shard, uplink }: EdgeTelemetry): boolean {
    if (!uplink) return true;
    const key = `${region}:${shard}`;
    this.#forget();
    if (!this.#told.has(key) && this.#told.size >= shardsMax) return false;
    const { connected } = uplink;
    const state = {
      region,
      shard,
      connected,
      bus: busLabel(uplink.bus),
      spoolRows: atLeast0(uplink.spoolRows),
      spoolBytes: atLeast0(uplink.spoolBytes),
      spoolOldestAgeMs: atLeast0(uplink.spoolOldestAgeMs),
      spoolAsideRows: atLeast0(uplink.spoolAsideRows),
    };
    this.#told.set(key, { atMs: this.#clock.monotonicMs(), state });
    return true;
  }

  read(): ShardState[] {
    this.#forget();
    const nowMs = this.#clock.monotonicMs();
    return Array.from(this.#told.values(), ({ atMs, state }) => ({ ...state, toldAgeMs: Math.round(nowMs - atMs) }));
  }

  #forget(): void {
    const oldestMs = this.#clock.monotonicMs() - liveMs;
    for (const [key, { atMs }] of this.#told) if (atMs <= oldestMs) this.#told.delete(key);
  }
}

function atLeast0(value: bigint): number {
  return Math.max(0, Number(value));
}
