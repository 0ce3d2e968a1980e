// The edge's metrics, under the names that stand on people's dashboards. Every label's value comes from a list of ours; region and
// shard name gauges only, of uplinks that reported something lately, and there are no more of them than the directory's layouts have.
import type { EdgeTelemetry, TelemetryHistogram } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import {
  durationBoundsSeconds,
  groupEventsBounds,
  httpStatusLabel,
  otherLabel,
  outcomeLabel,
  requestsOf,
  unknownChannel,
} from "@mio/shared/bus/wire/telemetry.ts";
import { Counter, Gauge, type Registry } from "prom-client";
import { DeltaHistogram } from "./delta-histogram.ts";
import type { LiveShards, ShardState } from "./live-shards.ts";

export interface EdgeMetrics {
  count(telemetry: EdgeTelemetry): void;
  refuse(reason: "unreadable" | "newer_version" | "at_odds_with_subject" | "repeat" | "too_many_shards"): void;
}

const shardLabels = ["region", "shard", "bus"] as const;

/** Registers once per registry. */
export function createEdgeMetrics(registry: Registry, channelTypes: readonly string[], shards: LiveShards): EdgeMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: "mio_gateway_inbound_total",
    help: "Requests that the edge answered, by what became of them.",
    labelNames: ["channel_type", "direction", "outcome", "http_status"],
    registers,
  });
  const latency = new DeltaHistogram({
    name: "mio_gateway_inbound_latency_seconds",
    help: "From the edge's receipt of a request to its answer.",
    labelNames: ["channel_type", "direction", "outcome"],
    buckets: durationBoundsSeconds,
    registers,
  });
  const publish = new DeltaHistogram({
    name: "mio_edge_publish_latency_seconds",
    help: "From an uplink's publish of a group to the bus' acknowledgement.",
    buckets: durationBoundsSeconds,
    registers,
  });
  const groupEvents = new DeltaHistogram({
    name: "mio_edge_group_events",
    help: "Events that travelled together from an uplink.",
    buckets: groupEventsBounds,
    registers,
  });
  const counter = (name: string, help: string, labelNames: string[] = []) => new Counter({ name, help, labelNames, registers });
  const groups = counter("mio_edge_groups_total", "Groups of an uplink, by where they went.", ["outcome"]);
  const events = counter("mio_edge_events_total", "Events that came to an uplink.", ["outcome"]);
  const drains = counter("mio_edge_spool_drained_total", "Groups that left a spool, and drains that ended early.", ["outcome"]);
  const bytes = counter("mio_edge_published_bytes_total", "Bytes of groups that the bus acknowledged.");
  const duplicates = counter("mio_edge_duplicates_total", "Groups that the bus knew; outside a retry it must stay 0.", [
    "reason",
  ]);
  const refused = counter("mio_edge_telemetry_refused_total", "Telemetry that was not counted, by why.", ["reason"]);
  shardGauges(registers, shards);

  const channelOf = (channelType: string) =>
    channelTypes.includes(channelType) || channelType === unknownChannel ? channelType : otherLabel;

  return {
    count: (telemetry) => {
      for (const request of telemetry.requests) {
        const labels = {
          channel_type: channelOf(request.channelType),
          direction: "inbound",
          outcome: outcomeLabel(request.outcome),
        };
        requests.inc({ ...labels, http_status: httpStatusLabel(request.httpStatus) }, requestsOf(request));
        if (request.durationSeconds) latency.add(labels, request.durationSeconds);
      }
      const { uplink } = telemetry;
      if (!uplink) return;
      groups.inc({ outcome: "published" }, uplink.groupsPublished);
      groups.inc({ outcome: "spooled" }, uplink.groupsSpooled);
      events.inc({ outcome: "stored" }, uplink.eventsStored);
      events.inc({ outcome: "refused" }, uplink.eventsRefused);
      drains.inc({ outcome: "drained" }, uplink.rowsDrained);
      drains.inc({ outcome: "failed" }, uplink.drainsFailed);
      duplicates.inc({ reason: "retry" }, uplink.duplicatesOnRetry);
      duplicates.inc({ reason: "outside_retry" }, uplink.duplicatesOutsideRetry);
      bytes.inc(Math.max(0, Number(uplink.publishedBytes)));
      addTo(publish, uplink.publishSeconds);
      addTo(groupEvents, uplink.groupEvents);
    },
    refuse: (reason) => refused.inc({ reason }),
  };
}

function addTo(histogram: DeltaHistogram<string>, counted: TelemetryHistogram | undefined): void {
  if (counted) histogram.add({}, counted);
}

/** Each is filled again whenever it is read: an uplink that has reported nothing for a while is not in it any more. */
function shardGauges(registers: Registry[], shards: LiveShards): void {
  const gauge = (
    name: string,
    help: string,
    read: (state: ShardState) => number,
    labelsOf: (state: ShardState) => { bus?: string } = () => ({}),
  ) =>
    new Gauge({
      name,
      help,
      labelNames: shardLabels,
      registers,
      collect() {
        this.reset();
        for (const state of shards.read())
          this.set({ region: state.region, shard: state.shard, ...labelsOf(state) }, read(state));
      },
    });
  gauge("mio_edge_spool_rows", "Groups that wait in an uplink's spool.", ({ spoolRows }) => spoolRows);
  gauge("mio_edge_spool_bytes", "Bytes that wait in an uplink's spool.", ({ spoolBytes }) => spoolBytes);
  gauge(
    "mio_edge_spool_oldest_age_seconds",
    "Age of the oldest group in it.",
    ({ spoolOldestAgeMs }) => spoolOldestAgeMs / 1_000,
  );
  gauge("mio_edge_spool_aside_rows", "Groups that the bus will never take; must be 0.", ({ spoolAsideRows }) => spoolAsideRows);
  gauge("mio_edge_uplink_connected", "1 while an uplink is connected to the bus.", ({ connected }) => Number(connected));
  gauge(
    "mio_edge_uplink_bus",
    "1 under how the bus looks to an uplink.",
    () => 1,
    ({ bus }) => ({ bus }),
  );
}
