// A report for people, and the line that moves while the run goes on.

import { deadlineMs, type LoadReport } from "../judge/report.ts";
import type { Load } from "./load.ts";
import { retryWaitMsMax } from "./platform.ts";

/** For people; `--json` prints the report itself. */
export function summaryOf(report: LoadReport): string {
  const { answer_ms, late_ms } = report;
  const statuses = Object.entries(report.statuses).map(([status, count]) => `${status === "0" ? "no answer" : status}: ${count}`);
  const lines: [string, string][] = [
    ["run", `${report.channel} on the ${report.host} host, seed ${report.seed}`],
    [
      "load",
      `${report.rate_reached}/s of ${report.rate_asked}/s asked, for ${report.seconds} s over ${report.conversations} conversations`,
    ],
    [
      "",
      `${report.messages} messages, ${report.webhooks} webhooks; written late by p99 ${late_ms.p99} ms, max ${late_ms.max} ms`,
    ],
    ...tooLate(report),
    ["answers", `${statuses.join(", ")}; p50 ${answer_ms.p50} ms, p99 ${answer_ms.p99} ms, max ${answer_ms.max} ms`],
    [
      "retries",
      `${report.repeats}, by the platform's own schedule with no wait above ${retryWaitMsMax / 1000} s; ${givenUp(report)}`,
    ],
    ...refusedOf(report),
    ["late", `${report.deadline_missed} not answered within ${deadlineMs / 1000} s`],
    ["judged", `${report.lost} lost, ${report.doubled} doubled, ${report.out_of_order} out of order, ${report.unknown} unknown`],
    ...costsOf(report),
    ...report.faults.map(({ name, ok, figures }): [string, string] => [name, `${ok ? "ok" : "FAIL"}  ${figuresText(figures)}`]),
    ["verdict", report.ok ? "pass" : "FAIL"],
    ...report.failures.map((failure): [string, string] => ["", failure]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join("\n");
}

/** One line about a load that runs; with a bar where it is known for how long. */
export function progressOf(load: Load, seconds?: number): string {
  let acknowledged = 0;
  let slowestMs = 0;
  let notDelivered = 0;
  for (const message of load.messages) {
    if (message.acknowledged) acknowledged += 1;
    for (const { sentMs, answeredMs, status } of message.attempts) {
      slowestMs = Math.max(slowestMs, answeredMs - sentMs);
      if (status < 200 || status > 299) notDelivered += 1;
    }
  }
  const bar = seconds === undefined ? "" : barOf((performance.now() - load.startMs) / (seconds * 1_000));
  return `${bar}${acknowledged} of ${load.messages.length} acknowledged, ${notDelivered} not 2xx, slowest ${Math.round(slowestMs)} ms`;
}

/** Later than this, the times of a run are as much this machine's as the gateway's. */
const lateMsMax = 500;

function tooLate({ late_ms }: LoadReport): [string, string][] {
  if (late_ms.p99 <= lateMsMax) return [];
  return [
    ["", "this machine was too busy to play the platform at that rate, and the times below are its own: give a lower --rate"],
  ];
}

const barWidth = 30;

function barOf(share: number): string {
  const width = Math.round(Math.min(1, Math.max(0, share)) * barWidth);
  return `[${"#".repeat(width).padEnd(barWidth, ".")}] `;
}

function givenUp(report: LoadReport): string {
  return report.given_up === 0 ? "every message was acknowledged" : `${report.given_up} messages never were, and it gave up`;
}

function costsOf({ cpu_ms_per_message, machine }: LoadReport): [string, string][] {
  const parts = Object.entries(cpu_ms_per_message).map(([name, ms]) => `${name} ${ms}`);
  if (parts.length === 0 || machine.others_share === null) return [];
  const others = `others took ${Math.round(machine.others_share * 100)} % of the machine`;
  return [["cost", `CPU ms a message: ${parts.join(", ")}; ${others} (${machine.cpus} x ${machine.cpu})`]];
}

function refusedOf({ longest_503_ms: { at_least, at_most } }: LoadReport): [string, string][] {
  if (at_most === 0) return [];
  return [
    [
      "refused",
      `the longest that one conversation was answered 503: ${at_least} ms to the last refusal, ${at_most} ms to its next 2xx`,
    ],
  ];
}

function figuresText(figures: Record<string, number | string>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
