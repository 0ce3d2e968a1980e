// What a run came to, in figures. Pure; its shape is what `--json` prints, so names and units stay.
import { cpus } from "node:os";
import type { EdgeHost } from "@mio/local/system/system-options.ts";
import type { FaultOutcome } from "../faults/fault.ts";
import type { PlayedLoad } from "../load/load.ts";
import type { CpuUse } from "../stand/cpu-use.ts";
import type { Judgement } from "./check.ts";
import { longestRefusedMs, type Refused } from "./longest-refused.ts";

/** The platform's deadline: each webhook has to be answered within it. */
export const deadlineMs = 3_000;
/** A load that reached less than this share of what was asked was another one, and proves nothing. */
const rateShareMin = 0.97;
/** Findings of one kind that a report lists; the rest is only counted. */
const listedMax = 10;

export interface RunFacts {
  seed: number;
  channel: string;
  host: EdgeHost;
  rate: number;
  seconds: number;
  conversations: number;
  /** Whether a fault takes the edge itself away, so that nobody may be listening. */
  edgeDies: boolean;
  /** Whether each message has to get its 2xx in the end. */
  allAcknowledged: boolean;
  played: PlayedLoad;
  judgement: Judgement;
  quarantined: number;
  faults: readonly ({ name: string } & FaultOutcome)[];
  /** While the load ran; undefined where it cannot be known. */
  cpu: CpuUse | undefined;
}

export interface LoadReport {
  ok: boolean;
  /** Why it is not ok, one line each. */
  failures: string[];
  seed: number;
  channel: string;
  host: EdgeHost;
  seconds: number;
  conversations: number;
  rate_asked: number;
  /** Messages written a second. */
  rate_reached: number;
  /** How much later than its turn a message was written. */
  late_ms: Spread;
  messages: number;
  acknowledged: number;
  /** Never answered 2xx, and the platform has given up: it told its people nothing, so nothing is lost. */
  given_up: number;
  /** Attempts, repeats included. */
  webhooks: number;
  repeats: number;
  /** By HTTP status; `0` counts those that got no answer. */
  statuses: Record<string, number>;
  answer_ms: Spread;
  deadline_ms: number;
  deadline_missed: number;
  unanswered: number;
  /** The longest time that one conversation was answered 503 at a stretch. */
  longest_503_ms: Refused;
  lost: number;
  doubled: number;
  out_of_order: number;
  unknown: number;
  quarantined: number;
  /** The first findings of each kind. */
  examples: Record<string, string[]>;
  faults: { name: string; ok: boolean; figures: Record<string, number | string>; findings: string[] }[];
  /** CPU time of each part divided by the messages; `load` is this program. Empty where it cannot be known. */
  cpu_ms_per_message: Record<string, number>;
  machine: {
    cpus: number;
    cpu: string;
    node: string;
    /** The share of the machine's CPU that programs outside this run took meanwhile. */
    others_share: number | null;
  };
}

interface Spread {
  p50: number;
  p99: number;
  max: number;
}

/** What a run showed: figures, and whatever makes it fail. */
export function reportOf(facts: RunFacts): LoadReport {
  const { seed, channel, host, seconds, conversations, rate, played, judgement, quarantined } = facts;
  const { messages, tookMs } = played;
  const attempts = messages.flatMap((message) => message.attempts);
  const answers = attempts.map(({ sentMs, answeredMs }) => answeredMs - sentMs);
  const unanswered = attempts.filter(({ status }) => status === 0).length;
  // Without an edge nobody can answer; a webhook that waited for as long as the platform does was missed in any case.
  const missed = attempts.filter(
    ({ sentMs, answeredMs, status }) => answeredMs - sentMs >= deadlineMs || (status === 0 && !facts.edgeDies),
  ).length;
  const acknowledged = messages.filter((message) => message.acknowledged).length;
  const report: LoadReport = {
    ok: true,
    failures: [],
    seed,
    channel,
    host,
    seconds,
    conversations,
    rate_asked: rate,
    rate_reached: round((messages.length * 1_000) / tookMs, 1),
    late_ms: spreadOf(messages.map(({ lateMs }) => lateMs)),
    messages: messages.length,
    acknowledged,
    given_up: messages.length - acknowledged,
    webhooks: attempts.length,
    repeats: messages.reduce((sum, { attempts: own }) => sum + Math.max(0, own.length - 1), 0),
    statuses: countsOf(attempts.map(({ status }) => String(status))),
    answer_ms: spreadOf(answers),
    deadline_ms: deadlineMs,
    deadline_missed: missed,
    unanswered,
    longest_503_ms: longestRefusedMs(messages),
    lost: judgement.lost.length,
    doubled: judgement.doubled.length,
    out_of_order: judgement.outOfOrder.length,
    unknown: judgement.unknown.length,
    quarantined,
    examples: {
      lost: judgement.lost.slice(0, listedMax),
      doubled: judgement.doubled.slice(0, listedMax),
      out_of_order: judgement.outOfOrder.slice(0, listedMax),
      unknown: judgement.unknown.slice(0, listedMax),
    },
    faults: facts.faults.map(({ name, figures, findings }) => ({ name, ok: findings.length === 0, figures, findings })),
    cpu_ms_per_message: perMessage(facts.cpu, messages.length),
    machine: {
      cpus: cpus().length,
      cpu: cpus()[0]?.model ?? "",
      node: process.version,
      others_share: facts.cpu ? round(facts.cpu.othersMs / facts.cpu.availableMs, 2) : null,
    },
  };
  const failures = failuresOf(report, facts);
  return { ...report, ok: failures.length === 0, failures };
}

function failuresOf(report: LoadReport, { allAcknowledged }: RunFacts): string[] {
  const failures: string[] = [];
  for (const kind of ["lost", "doubled", "out_of_order", "unknown", "quarantined"] as const) {
    if (report[kind] === 0) continue;
    const [example] = report.examples[kind] ?? [];
    failures.push(`${report[kind]} ${kind.replaceAll("_", " ")}${example === undefined ? "" : `, such as ${example}`}`);
  }
  if (report.deadline_missed > 0) failures.push(`${report.deadline_missed} webhooks were not answered within ${deadlineMs} ms`);
  if (allAcknowledged && report.given_up > 0) failures.push(`${report.given_up} messages never got a 2xx`);
  if (report.messages === 0) failures.push("no message was written");
  if (report.rate_reached < report.rate_asked * rateShareMin)
    failures.push(
      `only ${report.rate_reached} messages a second were written, not ${report.rate_asked}: this machine is too busy`,
    );
  for (const { name, findings } of report.faults) failures.push(...findings.map((finding) => `${name}: ${finding}`));
  return failures;
}

function perMessage(cpu: CpuUse | undefined, messages: number): Record<string, number> {
  const parts = Object.entries(cpu?.partsMs ?? {}).map(([name, ms]) => [name, round(ms / Math.max(1, messages), 2)]);
  return Object.fromEntries(parts);
}

function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0, 1);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function countsOf(words: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b)));
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
