// One scenario: a system of its own, a load, a real fault in the middle of it, and the verdict. What is the same for all stands here;
// a file in scenarios/ holds only its fault.
import { setTimeout as sleep } from "node:timers/promises";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { type Random, seededRandom } from "@mio/shared/random.ts";
import type { NatsConnection } from "nats";
import type { Judgement, Seen, Sent } from "../judge/check.ts";
import { judgeStreams } from "../judge/judge-streams.ts";
import { connectOperator, messageCount } from "../judge/witness.ts";
import { type FaultSystem, type FaultSystemOptions, startFaultSystem } from "../stand/fault-system.ts";
import { type Load, type LoadReport, startLoad } from "./load.ts";

export interface Scenario {
  /** The letter of the list. */
  key: string;
  title: string;
  /** What of the local system it needs beyond the usual, and the agent when it is about answers. */
  system?: FaultSystemOptions;
  /** Messages a second and conversations, where the run's own would hit the platforms' limits. */
  load?: { rate: number; conversations: number };
  /** Webhooks may find nobody listening: the scenario kills the edge itself. */
  edgeDies?: boolean;
  /** Gives a message on a stream the name of what was written, where its text alone does not. */
  rename?(seen: Seen): Seen;
  /** Breaks things while the load runs. What it returns are further findings, each a failure. */
  run(context: ScenarioContext): Promise<string[]>;
  /** After the load has ended and everything is on the streams: what else was doubled, and further findings. */
  after?(context: ScenarioContext): Promise<{ doubled: string[]; findings: string[] }>;
}

export interface ScenarioContext {
  system: FaultSystem;
  load: Load;
  /** The operator's connection to the bus. */
  nats: NatsConnection;
  random: Random;
  /** Messages that the scenario wrote beside the load; judged with it. */
  extra: Sent[];
  progress(line: string): void;
  /** Waits while the load runs on. */
  seconds(seconds: number): Promise<void>;
}

export interface ScenarioOptions {
  seed: number;
  rate: number;
  conversations: number;
  /** How long the load runs before the fault, and again after it. */
  seconds: number;
  progress(line: string): void;
  /** Aborted: everything is stopped and removed, and the run rejects. */
  signal: AbortSignal;
}

export interface ScenarioResult extends Judgement {
  key: string;
  title: string;
  webhooks: number;
  messages: number;
  slowestMs: number;
  /** Other than 2xx, and repeated until 2xx. */
  refused: number;
  unanswered: number;
  slowestUntilAcknowledgedMs: number;
  durationSeconds: number;
  /** Why it failed; empty when it passed. */
  failures: string[];
  /** Where the logs of a failed run are. */
  dataDir?: string;
}

/** The platform's patience: each webhook has to be answered within it. */
const answerWithinMs = 3_000;

export async function runScenario(scenario: Scenario, options: ScenarioOptions): Promise<ScenarioResult> {
  const { progress, signal } = options;
  progress(`${scenario.title}: starting a system`);
  await using system = await startFaultSystem(scenario.system ?? {}, progress, signal);
  const nats = await connectOperator(system.bus);
  const random = seededRandom(options.seed);
  const { rate, conversations } = scenario.load ?? options;
  const load = startLoad({ platforms: system.platforms, conversations, rate, prefix: scenario.key, random });
  const stopTelling = tellProgress(load, progress);
  const seconds = (count: number) => sleep(count * 1000);
  try {
    const context: ScenarioContext = { system, load, nats, random, extra: [], progress, seconds };
    const result = await Promise.race([play(scenario, options, context), aborted(signal)]);
    if (result.failures.length > 0) system.keepData();
    return result.failures.length > 0 ? { ...result, dataDir: system.dataDir } : result;
  } catch (error) {
    if (!signal.aborted) {
      system.keepData();
      progress(`its logs and data are in ${system.dataDir}`);
    }
    throw error;
  } finally {
    stopTelling();
    await load.stop(0).catch(() => undefined);
    await nats.close();
  }
}

async function play(scenario: Scenario, options: ScenarioOptions, context: ScenarioContext): Promise<ScenarioResult> {
  const startMs = performance.now();
  const { system, load, nats, seconds, progress } = context;
  await seconds(options.seconds);
  const failures = await scenario.run(context);
  await seconds(options.seconds);
  progress("the load ends; waiting until everything has arrived");
  const report = await load.stop();
  const sent = [...report.messages, ...context.extra];
  const judgement = await judgeStreams(nats, sent, scenario.rename);
  const attempts = (await Promise.all(system.simulators.map((simulator) => simulator.attempts()))).flat();
  const slowestMs = Math.max(report.slowestMs, ...attempts.map((attempt) => attempt.durationMs));
  const later = await scenario.after?.(context);
  judgement.doubled.push(...(later?.doubled ?? []));
  failures.push(...(later?.findings ?? []));
  failures.push(...failuresOf(judgement, { ...report, slowestMs }, sent, scenario));
  const quarantined = await messageCount(nats, streams.quarantine.name);
  if (quarantined > 0) failures.push(`${quarantined} webhooks went into quarantine`);
  const { webhooks, refused, unanswered, slowestUntilAcknowledgedMs } = report;
  return {
    key: scenario.key,
    title: scenario.title,
    ...judgement,
    webhooks,
    messages: sent.length,
    slowestMs,
    refused,
    unanswered,
    slowestUntilAcknowledgedMs,
    durationSeconds: Math.round((performance.now() - startMs) / 1000),
    failures,
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

function failuresOf(judgement: Judgement, report: LoadReport, sent: readonly Sent[], scenario: Scenario): string[] {
  const failures: string[] = [];
  for (const [kind, lines] of Object.entries(judgement)) {
    if (lines.length > 0) failures.push(`${lines.length} ${kind}, such as ${lines[0]}`);
  }
  const never = sent.filter((each) => !each.acknowledged).length;
  if (never > 0) failures.push(`${never} messages never got a 2xx`);
  if (report.slowestMs >= answerWithinMs) failures.push(`the slowest webhook took ${report.slowestMs} ms`);
  if (report.unanswered > 0 && !scenario.edgeDies) failures.push(`${report.unanswered} webhooks were not answered`);
  return failures;
}

function tellProgress(load: Load, progress: (line: string) => void): () => void {
  const timer = setInterval(() => {
    const { messages, webhooks, slowestMs, refused, unanswered } = load.report();
    const acknowledged = messages.filter((message) => message.acknowledged).length;
    progress(
      `  ${webhooks} webhooks, ${acknowledged} of ${messages.length} acknowledged, ${refused} refused, ${unanswered} unanswered, slowest ${slowestMs} ms`,
    );
  }, 10_000);
  return () => clearInterval(timer);
}
