// Hears what edges report about themselves and makes metrics of it. What an uplink did since its last report is counted by one of the replicas;
// how it stands is known to all of them. Whatever cannot be read or trusted is counted, and nothing else comes of it.
import type { EdgeTelemetry } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import type { BusMessage } from "@mio/shared/bus/client/connection.ts";
import { parseTelemetrySubject, telemetryQueue, telemetrySubjects } from "@mio/shared/bus/names/subjects.ts";
import { decodeTelemetry } from "@mio/shared/bus/wire/telemetry.ts";
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { snakeCase } from "@mio/shared/snake-case.ts";
import type { Service, ServiceContext } from "../service.ts";
import { createEdgeMetrics, type EdgeMetrics } from "./edge-metrics.ts";
import { LiveShards } from "./live-shards.ts";
import { SeenSequences } from "./seen-sequences.ts";

export const telemetry: Service = {
  name: "telemetry",
  run: (context) =>
    runTelemetry(
      context,
      inboundDoors.map((door) => door.channel.slug),
    ),
};

/** Channels that are not among these are counted together, as `other`. */
export async function runTelemetry(context: ServiceContext, channelTypes: readonly string[]): Promise<void> {
  const { nats, metrics: registry, clock, signal } = context;
  const shards = new LiveShards(clock);
  const metrics = createEdgeMetrics(registry, channelTypes, shards);
  const seen = new SeenSequences();
  context.status("edge", () => shards.read().map(snakeCase));

  const counting = nats.subscribe(telemetrySubjects, {
    queue: telemetryQueue,
    callback: (error, message) => {
      const report = error ? undefined : read(message, metrics);
      if (!report) return;
      if (seen.isNew(report.instance, report.sequence)) metrics.count(report);
      else metrics.refuse("repeat");
    },
  });
  const watching = nats.subscribe(telemetrySubjects, {
    callback: (error, message) => {
      const report = error ? undefined : read(message);
      if (report && !shards.set(report)) metrics.refuse("too_many_shards");
    },
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  counting.unsubscribe();
  watching.unsubscribe();
}

/** Undefined for what is not to be trusted; `metrics` hear why. */
function read(message: BusMessage, metrics?: EdgeMetrics): EdgeTelemetry | undefined {
  const decoded = decodeTelemetry(message.data);
  if (decoded.kind !== "telemetry") {
    metrics?.refuse(decoded.kind === "undecodable" ? "unreadable" : decoded.kind);
    return undefined;
  }
  const subject = parseTelemetrySubject(message.subject);
  const { region, shard } = decoded.telemetry;
  if (subject?.region === region && subject.shard === shard) return decoded.telemetry;
  metrics?.refuse("at_odds_with_subject");
  return undefined;
}
