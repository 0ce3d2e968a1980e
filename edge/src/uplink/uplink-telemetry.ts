// What one uplink reports to core about itself and about the requests that the edge answered: about every 10 s while there is something
// new. Nothing waits for a report and nothing fails by it. While nobody hears one, counts add up, and gauges are those of its own moment.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type UplinkTelemetry as UplinkPart, UplinkTelemetrySchema } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import { telemetrySubject } from "@mio/shared/bus/names/subjects.ts";
import { decodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import { countMax, decodeTelemetry, encodeTelemetry } from "@mio/shared/bus/wire/telemetry.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { Random } from "@mio/shared/random.ts";
import { within } from "@mio/shared/within.ts";
import { bytesToHex } from "@noble/hashes/utils.js";
import { RequestCounts } from "../telemetry/request-counts.ts";
import type { UplinkLimits } from "./limits.ts";
import type { Measured, UplinkMeter } from "./meter.ts";
import type { Spool } from "./ports.ts";
import type { Shard, UplinkStatus } from "./uplink.ts";

/** `heard`: the bus took it, and somebody listens. `unheard`: certainly not. `unknown`: it may have been, and is sent again as it was. */
export type ReportOutcome = "heard" | "unheard" | "unknown";

export interface TelemetryLink {
  readonly connected: boolean;
  /** Called after each change of `connected`. */
  onChange(listener: () => void): void;
  /** Never rejects; may hang while the bus is silent. */
  report(subject: string, body: Uint8Array<ArrayBuffer>): Promise<ReportOutcome>;
}

export interface UplinkTelemetryPorts {
  link: TelemetryLink;
  uplink: { status(): UplinkStatus; readonly meter: UplinkMeter };
  clock: Clock;
  random: Random;
  limits: Pick<UplinkLimits, "telemetryEveryMs">;
}

const gatherMs = 1_000;
const reportDeadlineMs = 2_000;
/** Tries after the last thing that happened; an object with nothing else to do shall be given up by its platform. */
const vainTriesMax = 6;

const countersZero = {
  groupsPublished: 0,
  groupsSpooled: 0,
  eventsStored: 0,
  eventsRefused: 0,
  rowsDrained: 0,
  drainsFailed: 0,
  duplicatesOnRetry: 0,
  duplicatesOutsideRetry: 0,
};
type CounterName = keyof typeof countersZero;

export class UplinkTelemetry {
  readonly #ports: UplinkTelemetryPorts;
  readonly #instance: string;
  readonly #requests = new RequestCounts();
  #shard: Shard | undefined;
  #sequence = 0;
  #counted: Readonly<Record<CounterName, number>> = countersZero;
  /** Sent and not known to be heard. It goes first, and as it was, so that core counts it once. */
  #unsettled: { subject: string; body: Uint8Array<ArrayBuffer> } | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #armed = false;
  #reporting: Promise<void> | undefined;
  #vainTries = 0;

  constructor(ports: UplinkTelemetryPorts) {
    this.#ports = ports;
    this.#instance = bytesToHex(ports.random.bytes(8));
    ports.link.onChange(() => {
      const behind = this.#vainTries > 0 || ports.uplink.status().spoolRows > 0;
      if (ports.link.connected && behind) this.#arm();
    });
  }

  /** Something has happened at this shard. `telemetry` is what an isolate gathered; what cannot be read of it is left out. */
  note(shard: Shard, telemetry?: Uint8Array): void {
    this.#shard = shard;
    this.#vainTries = 0;
    if (telemetry) {
      const decoded = decodeTelemetry(telemetry);
      if (decoded.kind === "telemetry") this.#requests.merge(decoded.telemetry.requests);
    }
    this.#arm();
  }

  /** Of a host that is awake anyway: reports when it is time, also when nothing is new. */
  beat(): void {
    if (this.#ports.clock.monotonicMs() - this.#reportedMs >= this.#ports.limits.telemetryEveryMs) void this.report();
  }

  /** Reports what there is. Resolves when it is heard, or, unheard, after `reportDeadlineMs` at the latest. Never rejects. */
  report(): Promise<void> {
    this.#reporting ??= this.#reportAll().finally(() => {
      this.#reporting = undefined;
    });
    return this.#reporting;
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    const { clock, limits } = this.#ports;
    const waitMs = Math.max(gatherMs, this.#reportedMs + limits.telemetryEveryMs - clock.monotonicMs());
    void clock.sleep(waitMs).then(() => {
      this.#armed = false;
      return this.report();
    });
  }

  async #reportAll(): Promise<void> {
    this.#reportedMs = this.#ports.clock.monotonicMs();
    // What is of unknown outcome first; then what is new, with the gauges of now.
    while (this.#ports.link.connected) {
      const fresh = this.#unsettled === undefined;
      const message = this.#unsettled ?? this.#close();
      if (!message) return;
      this.#unsettled = message;
      const { link, clock } = this.#ports;
      const outcome = await within(clock, reportDeadlineMs, link.report(message.subject, message.body), "unknown" as const);
      if (outcome !== "heard") break;
      this.#unsettled = undefined;
      this.#vainTries = 0;
      if (!fresh) continue;
      // The drain is followed to its end.
      if (this.#ports.uplink.status().spoolRows > 0) this.#arm();
      return;
    }
    // Again soon, while something happens here or did lately.
    this.#vainTries += 1;
    if (this.#vainTries <= vainTriesMax) this.#arm();
  }

  /** One message of all that is new. Undefined while it is not known whose uplink this is. */
  #close(): { subject: string; body: Uint8Array<ArrayBuffer> } | undefined {
    const { uplink, clock } = this.#ports;
    if (!this.#shard) return undefined;
    const { region, shard } = this.#shard;
    const status = uplink.status();
    this.#sequence += 1;
    const body = encodeTelemetry({
      region,
      shard,
      // Always 1, see telemetry.proto.
      generation: 1n,
      instance: this.#instance,
      sequence: BigInt(this.#sequence),
      sentAt: timestampFromMs(clock.nowMs()),
      requests: this.#requests.take(),
      uplink: partOf(status, this.#counted, uplink.meter.take()),
    });
    this.#counted = status;
    return { subject: telemetrySubject(region, shard), body };
  }
}

/** Whose spool it is, by its oldest row. Undefined when it is empty or cannot be read. */
export function shardOfSpool(spool: Spool): Shard | undefined {
  try {
    const [row] = spool.oldest({ rows: 1, bytes: 0 });
    const decoded = row && decodeIngressGroup(row.body);
    if (decoded?.kind !== "group") return undefined;
    const { region, shard } = decoded.group;
    return { region, shard };
  } catch {
    // The storage fails, and others say so.
    return undefined;
  }
}

function partOf(status: UplinkStatus, counted: Readonly<Record<CounterName, number>>, measured: Measured): UplinkPart {
  const since = (name: CounterName) => Math.min(status[name] - counted[name], countMax);
  return create(UplinkTelemetrySchema, {
    connected: status.connected,
    stuck: status.stuck,
    bus: status.bus,
    spoolRows: BigInt(status.spoolRows),
    spoolBytes: BigInt(status.spoolBytes),
    spoolOldestAgeMs: BigInt(Math.round(status.spoolOldestAgeMs)),
    spoolAsideRows: BigInt(status.spoolAsideRows),
    groupsPublished: since("groupsPublished"),
    groupsSpooled: since("groupsSpooled"),
    eventsStored: since("eventsStored"),
    eventsRefused: since("eventsRefused"),
    rowsDrained: since("rowsDrained"),
    drainsFailed: since("drainsFailed"),
    duplicatesOnRetry: since("duplicatesOnRetry"),
    duplicatesOutsideRetry: since("duplicatesOutsideRetry"),
    publishedBytes: BigInt(measured.publishedBytes),
    ...(measured.publishSeconds ? { publishSeconds: measured.publishSeconds } : {}),
    ...(measured.groupEvents ? { groupEvents: measured.groupEvents } : {}),
  });
}
