// Counts and durations of requests by channel, outcome and status, until somebody takes them. Labels are few: a channel that we know, an
// outcome of our own, a status; beyond a bound they share one row. Recording waits for nothing and, but for a first time, makes nothing.

import { create } from "@bufbuild/protobuf";
import { type RequestTelemetry, RequestTelemetrySchema } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import {
  durationBoundsSeconds,
  otherLabel,
  type RequestOutcome,
  requestKindsMax,
  unknownChannel,
} from "@mio/shared/bus/wire/telemetry.ts";
import { Histogram } from "./histogram.ts";

interface Row {
  channelType: string;
  outcome: string;
  httpStatus: number;
  /** Recorded here since the start; what is merged was recorded elsewhere. */
  recorded: number;
  durations: Histogram;
}

export class RequestCounts {
  readonly #rows = new Map<string, Map<string, Row[]>>();
  #kinds = 0;

  record(channelType: string, outcome: RequestOutcome, httpStatus: number, durationMs: number): void {
    const row = this.#rowOf(channelType, outcome, httpStatus);
    row.recorded += 1;
    row.durations.add(durationMs / 1_000);
  }

  /** Adds counts that were taken elsewhere, or taken here and not delivered. */
  merge(requests: readonly RequestTelemetry[]): void {
    for (const { channelType, outcome, httpStatus, durationSeconds } of requests)
      if (durationSeconds) this.#rowOf(channelType, outcome, httpStatus).durations.merge(durationSeconds);
  }

  /** What came since the last call. */
  take(): RequestTelemetry[] {
    const taken: RequestTelemetry[] = [];
    for (const { channelType, outcome, httpStatus, durations } of this.#allRows()) {
      const durationSeconds = durations.take();
      if (durationSeconds) taken.push(create(RequestTelemetrySchema, { channelType, outcome, httpStatus, durationSeconds }));
    }
    return taken;
  }

  /** Recorded here since the start, by channel, then by outcome. */
  read(): Record<string, Record<string, number>> {
    const counts: Record<string, Record<string, number>> = {};
    for (const { channelType, outcome, recorded } of this.#allRows()) {
      const outcomes = counts[channelType] ?? {};
      counts[channelType] = outcomes;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + recorded;
    }
    return counts;
  }

  #rowOf(channelType: string, outcome: string, httpStatus: number): Row {
    const rows = this.#rows.get(channelType)?.get(outcome);
    if (rows) for (const row of rows) if (row.httpStatus === httpStatus) return row;
    if (this.#kinds >= requestKindsMax - 1 && httpStatus !== 0) return this.#rowOf(unknownChannel, otherLabel, 0);
    return this.#newRow(channelType, outcome, httpStatus);
  }

  #newRow(channelType: string, outcome: string, httpStatus: number): Row {
    const row = { channelType, outcome, httpStatus, recorded: 0, durations: new Histogram(durationBoundsSeconds) };
    const outcomes = this.#rows.get(channelType) ?? new Map<string, Row[]>();
    this.#rows.set(channelType, outcomes);
    outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), row]);
    this.#kinds += 1;
    return row;
  }

  #allRows(): Row[] {
    return [...this.#rows.values()].flatMap((outcomes) => [...outcomes.values()].flat());
  }
}
