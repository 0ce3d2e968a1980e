// How each uplink stood in its latest report, forgotten after a while. An uplink that reports nothing any more has nothing to do, or is cut
// off; both are no reason to show its last report for ever.
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
  /** Since its latest report, in milliseconds. */
  reportAgeMs: number;
}

/** Six messages that did not come. */
const liveMs = 60_000;
/** More shards than any layout has; beyond it new ones are left out. */
const shardsMax = 4_096;

interface Report {
  atMs: number;
  state: Omit<ShardState, "reportAgeMs">;
}

export class LiveShards {
  readonly #clock: Clock;
  /** By region and shard. */
  readonly #reports = new Map<string, Report>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False when there are too many. */
  set({ region, shard, uplink }: EdgeTelemetry): boolean {
    if (!uplink) return true;
    const key = `${region}:${shard}`;
    this.#forget();
    if (!this.#reports.has(key) && this.#reports.size >= shardsMax) return false;
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
    this.#reports.set(key, { atMs: this.#clock.monotonicMs(), state });
    return true;
  }

  read(): ShardState[] {
    this.#forget();
    const nowMs = this.#clock.monotonicMs();
    return Array.from(this.#reports.values(), ({ atMs, state }) => ({ ...state, reportAgeMs: Math.round(nowMs - atMs) }));
  }

  #forget(): void {
    const oldestMs = this.#clock.monotonicMs() - liveMs;
    for (const [key, { atMs }] of this.#reports) if (atMs <= oldestMs) this.#reports.delete(key);
  }
}

function atLeast0(value: bigint): number {
  return Math.max(0, Number(value));
}
