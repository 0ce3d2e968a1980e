// What one isolate (or process) counted, on its way to an uplink: with the next events that are stored, or, where there are none, a while
// after the requests. No request waits for it; what is lost with the isolate is lost.
import { decodeTelemetry, encodeTelemetry, type RequestOutcome } from "@mio/shared/bus/wire/telemetry.ts";
import type { Clock } from "@mio/shared/clock.ts";
import { RequestCounts } from "./request-counts.ts";

/** What the app needs of a counter of requests. */
export interface Recorder {
  record(channelType: string, outcome: RequestOutcome, httpStatus: number, durationMs: number): void;
  /** Since the start, by channel, then by outcome. */
  read(): Record<string, Record<string, number>>;
}

export interface IsolateTelemetryPorts {
  clock: Clock;
  /** How often what was counted is handed over: as often as an uplink tells it. */
  telemetryEveryMs: number;
  /** Hands it to an uplink of this region. May reject: then it is kept. */
  report(telemetry: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Lets work go on after the answer; it ends within twice `telemetryEveryMs` and a call. */
  afterwards(work: Promise<void>): void;
}

/** The first requests after a silence are reported together. */
const gatherMs = 1_000;

export class IsolateTelemetry implements Recorder {
  readonly #ports: IsolateTelemetryPorts;
  readonly #reportEveryMs: number;
  /** What is stored carries the counts along when the last hand-over is this old. */
  readonly #carryEveryMs: number;
  /** While others carry them, the report is put off until then; a Worker may go on for 30 s after its answer. */
  readonly #reportMaxMs: number;
  readonly #counts = new RequestCounts();
  #handedOverMs = Number.NEGATIVE_INFINITY;
  /** A report is under way until then. One that was lost with its request is given up at that time. */
  #reportByMs = Number.NEGATIVE_INFINITY;

  constructor(ports: IsolateTelemetryPorts) {
    this.#ports = ports;
    this.#reportEveryMs = ports.telemetryEveryMs;
    this.#carryEveryMs = this.#reportEveryMs / 2;
    this.#reportMaxMs = this.#reportEveryMs * 2;
  }

  record(channelType: string, outcome: RequestOutcome, httpStatus: number, durationMs: number): void {
    this.#counts.record(channelType, outcome, httpStatus, durationMs);
    const nowMs = this.#ports.clock.monotonicMs();
    if (nowMs < this.#reportByMs) return;
    this.#reportByMs = nowMs + this.#reportMaxMs + this.#reportEveryMs;
    this.#ports.afterwards(this.#reportLater(nowMs));
  }

  read(): Record<string, Record<string, number>> {
    return this.#counts.read();
  }

  /** Stores with what was counted, when it is time: `store` must fail when the telemetry did not arrive. */
  carriedBy<T>(store: (telemetry: Uint8Array<ArrayBuffer> | undefined) => Promise<T>): Promise<T> {
    const due = this.#ports.clock.monotonicMs() - this.#handedOverMs >= this.#carryEveryMs;
    const telemetry = due ? this.#take() : undefined;
    return telemetry ? this.#carry(telemetry, store) : store(undefined);
  }

  /** Hands over what there is. Never rejects. */
  async reportNow(): Promise<void> {
    const telemetry = this.#take();
    if (!telemetry) return;
    try {
      await this.#ports.report(telemetry);
    } catch {
      // Reported with the next requests.
      this.#restore(telemetry);
    }
  }

  async #carry<T>(telemetry: Uint8Array<ArrayBuffer>, store: (telemetry: Uint8Array<ArrayBuffer>) => Promise<T>): Promise<T> {
    try {
      return await store(telemetry);
    } catch (error) {
      this.#restore(telemetry);
      throw error;
    }
  }

  async #reportLater(startedMs: number): Promise<void> {
    const { clock } = this.#ports;
    for (let nowMs = startedMs; ; nowMs = clock.monotonicMs()) {
      const dueMs = Math.min(this.#handedOverMs + this.#reportEveryMs, startedMs + this.#reportMaxMs);
      if (nowMs >= Math.max(dueMs, startedMs + gatherMs)) break;
      await clock.sleep(Math.max(dueMs, startedMs + gatherMs) - nowMs);
    }
    this.#reportByMs = Number.NEGATIVE_INFINITY;
    await this.reportNow();
  }

  #take(): Uint8Array<ArrayBuffer> | undefined {
    const requests = this.#counts.take();
    if (requests.length === 0) return undefined;
    this.#handedOverMs = this.#ports.clock.monotonicMs();
    return encodeTelemetry({ requests });
  }

  #restore(telemetry: Uint8Array): void {
    const decoded = decodeTelemetry(telemetry);
    if (decoded.kind === "telemetry") this.#counts.merge(decoded.telemetry.requests);
  }
}
