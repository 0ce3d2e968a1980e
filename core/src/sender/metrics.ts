// What the sender counts, under the names that are on people's dashboards (wire.md). Labels are few and bounded: no account, no platform's code.
import { Counter, Gauge, type Registry } from "prom-client";
import type { Change } from "./ledger-attempts.ts";
import type { Outcome, Verdict } from "./verdict.ts";

export interface SenderMetrics {
  /** A change that was recorded; `call` when the platform was asked. */
  count(change: Change, call: { outcome: Outcome; verdict: Verdict; channelType: string } | undefined): void;
  gauge(name: "queued" | "unknown" | "outbox", value: number): void;
}

export function createMetrics(registry: Registry): SenderMetrics {
  const registers = [registry];
  const sent = new Counter({
    name: "mio_gateway_outbound_sent_total",
    help: "Calls that the platform took.",
    labelNames: ["channel_type", "direction", "outcome"],
    registers,
  });
  const retried = new Counter({
    name: "mio_gateway_outbound_retry_total",
    help: "Calls that will be made again, by why.",
    labelNames: ["channel_type", "direction", "reason"],
    registers,
  });
  const terminated = new Counter({
    name: "mio_gateway_outbound_terminated_total",
    help: "Commands that ended otherwise than sent.",
    labelNames: ["channel_type", "direction", "outcome"],
    registers,
  });
  const gauges = {
    queued: new Gauge({ name: "mio_sender_queued", help: "Commands that wait or are being sent.", registers }),
    unknown: new Gauge({ name: "mio_sender_unknown", help: "Commands parked for a person.", registers }),
    outbox: new Gauge({ name: "mio_sender_outbox_backlog", help: "Receipts decided and not yet published.", registers }),
  };
  return {
    count: (change, call) => {
      const labels = { channel_type: call?.channelType ?? "none", direction: "outbound" };
      if (call?.verdict.kind === "sent") sent.inc({ ...labels, outcome: change.state === "sent" ? "sent" : "part_sent" });
      else if (change.state === "queued") retried.inc({ ...labels, reason: call?.outcome.kind ?? "none" });
      else terminated.inc({ ...labels, outcome: change.state });
    },
    gauge: (name, value) => gauges[name].set(value),
  };
}
