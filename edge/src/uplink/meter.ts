// What an uplink measures of its work, until its telemetry takes it: how large groups are, and how long the bus takes for one.
import type { TelemetryHistogram } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import { durationBoundsSeconds, groupEventsBounds } from "@mio/shared/bus/wire/telemetry.ts";
import type { Clock } from "@mio/shared/clock.ts";
import { Histogram } from "../telemetry/histogram.ts";
import type { BusLink } from "./ports.ts";

export interface Measured {
  publishSeconds: TelemetryHistogram | undefined;
  groupEvents: TelemetryHistogram | undefined;
  publishedBytes: number;
}

export class UplinkMeter {
  readonly #publishSeconds = new Histogram(durationBoundsSeconds);
  readonly #groupEvents = new Histogram(groupEventsBounds);
  #publishedBytes = 0;

  grouped(events: number): void {
    this.#groupEvents.add(events);
  }

  acknowledged(bytes: number, durationMs: number): void {
    this.#publishedBytes += bytes;
    this.#publishSeconds.add(durationMs / 1_000);
  }

  /** What came since the last call. */
  take(): Measured {
    const publishedBytes = this.#publishedBytes;
    this.#publishedBytes = 0;
    return { publishSeconds: this.#publishSeconds.take(), groupEvents: this.#groupEvents.take(), publishedBytes };
  }
}

/** The same link, which reports each acknowledgement to the meter, however late: also one for which nobody waits any more. */
export function measured(link: BusLink, clock: Clock, meter: UplinkMeter): BusLink {
  return {
    get connected() {
      return link.connected;
    },
    onChange: (listener) => link.onChange(listener),
    suspect: () => link.suspect(),
    publish: async (message) => {
      const startedMs = clock.monotonicMs();
      const published = await link.publish(message);
      if (published.kind === "acknowledged") meter.acknowledged(message.body.length, clock.monotonicMs() - startedMs);
      return published;
    },
  };
}
