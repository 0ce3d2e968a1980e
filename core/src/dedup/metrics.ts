// What dedup counts and logs for each event, one line each. What became of requests is another matter: the edge counts that (telemetry).

import { traceIdOf } from "@mio/shared/bus/names/trace.ts";
import { Counter, Histogram } from "prom-client";
import type { ServiceContext } from "../service.ts";
import type { BatchTools } from "./batch.ts";

const latencyBucketsSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600];

/** `mio_idempotency_dedup_total` stays as it is: it stands on dashboards. Registers once per registry. */
export function dedupMetrics({ metrics, clock, log }: ServiceContext): {
  settled: BatchTools["settled"];
} {
  const registers = [metrics];
  const inbound = new Counter({
    name: "mio_dedup_events_total",
    help: "Events of the ingress, by what became of them.",
    labelNames: ["channel_type", "direction", "outcome"],
    registers,
  });
  const latency = new Histogram({
    name: "mio_dedup_latency_seconds",
    help: "From the edge's receipt of an event to its place on the inbound stream.",
    labelNames: ["channel_type", "direction"],
    buckets: latencyBucketsSeconds,
    registers,
  });
  const deduplicated = new Counter({
    name: "mio_idempotency_dedup_total",
    help: "Events by whether their key was new, known, or finished for an earlier attempt.",
    labelNames: ["channel_type", "outcome"],
    registers,
  });

  return {
    settled(item, outcome) {
      const channel = item.kind === "event" ? item.key.channelType : channelLabel(item.channelType);
      inbound.inc({ channel_type: channel, direction: "inbound", outcome });
      if (item.kind !== "event") {
        if (item.kind === "dead_letter")
          log.warn(
            { reason: item.deadLetter.reason, sequence: item.deadLetter.sequence, index: item.deadLetter.index },
            "dead letter",
          );
        return;
      }
      if (outcome !== "dead_letter")
        deduplicated.inc({ channel_type: channel, outcome: outcome === "published" ? "new" : outcome });
      const durationMs = item.receivedAtMs === undefined ? undefined : Math.max(0, clock.nowMs() - item.receivedAtMs);
      if (durationMs !== undefined && outcome === "published")
        latency.observe({ channel_type: channel, direction: "inbound" }, durationMs / 1_000);
      const { accountId, conversationId, messageId } = item.key;
      log.info(
        {
          channel_type: channel,
          account_id: accountId,
          conversation_id: conversationId,
          message_id: messageId,
          trace_id: traceIdOf(item.traceparent),
          outcome,
          duration_ms: durationMs,
        },
        "inbound",
      );
    },
  };
}

/** Labels stay few: what an undecodable event calls its channel is not taken over unless it looks like one. */
function channelLabel(channelType: string): string {
  return /^[a-z][a-z0-9_]{0,31}$/.test(channelType) ? channelType : "unknown";
}
