// What the sender counts, under the names that are on people's dashboards. Labels are few and bounded: no account, no platform's code.
import { Counter, Gauge, type Registry } from "prom-client";
import type { CommandRecord } from "./ledger/command-record.ts";
import type { CallOutcome, Verdict } from "./schedule/verdict.ts";

export interface SenderMetrics {
  /** A change that was recorded; `call` when the platform was asked. */
  count(record: Pick<CommandRecord, "channelType" | "state">, call?: { outcome: CallOutcome; verdict: Verdict }): void;
  gauge(name: "queued" | "unknown" | "outbox", value: number): void;
}

/** Commands that nobody could read call their channel what they like: it becomes a label only when we have it. */
export function createMetrics(registry: Registry, channelTypes: readonly string[]): SenderMetrics {
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
    count: ({ channelType, state }, call) => {
      const labels = { channel_type: channelTypes.includes(channelType) ? channelType : "unknown", direction: "outbound" };
      if (call?.verdict.kind === "sent") sent.inc({ ...labels, outcome: state === "sent" ? "sent" : "part_sent" });
      else if (state === "queued") retried.inc({ ...labels, reason: call?.outcome.kind ?? "none" });
      // What is sent without a call cancelled another; that one is counted.
      else if (state !== "sent") terminated.inc({ ...labels, outcome: state });
    },
    gauge: (name, value) => gauges[name].set(value),
  };
}
