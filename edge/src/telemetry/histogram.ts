// How many values lay between fixed bounds since somebody last took them.
import { create } from "@bufbuild/protobuf";
import { type TelemetryHistogram, TelemetryHistogramSchema } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import { countMax } from "@mio/shared/bus/wire/telemetry.ts";

export class Histogram {
  readonly #bounds: readonly number[];
  #counts: number[];
  #sum = 0;
  #empty = true;

  /** `bounds` are upper ones, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = zeros(bounds);
  }

  add(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) index += 1;
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#sum += value;
    this.#empty = false;
  }

  /** One with other bounds is left out. */
  merge({ counts, sum }: TelemetryHistogram): void {
    if (counts.length !== this.#counts.length) return;
    for (const [index, count] of counts.entries()) this.#counts[index] = (this.#counts[index] ?? 0) + count;
    this.#sum += sum;
    this.#empty = false;
  }

  /** What came since the last call; undefined when nothing did. */
  take(): TelemetryHistogram | undefined {
    if (this.#empty) return undefined;
    const counts = this.#counts.map((count) => Math.min(count, countMax));
    const taken = create(TelemetryHistogramSchema, { counts, sum: this.#sum });
    this.#counts = zeros(this.#bounds);
    this.#sum = 0;
    this.#empty = true;
    return taken;
  }
}

function zeros(bounds: readonly number[]): number[] {
  return Array.from({ length: bounds.length + 1 }, () => 0);
}
