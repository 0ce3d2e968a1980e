// One run: a system of its own, the load and its faults side by side, and what came of it. `npm run load` and every scenario go through here.
import type { EdgeHost } from "@mio/local/system/system-options.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { seededRandom } from "@mio/shared/random.ts";
import type { ChosenFault, Fault, FaultContext, FaultOutcome } from "../faults/fault.ts";
import type { Judgement } from "../judge/check.ts";
import { judgeStreams } from "../judge/judge-streams.ts";
import { type LoadReport, reportOf } from "../judge/report.ts";
import { connectOperator, messageCount } from "../judge/witness.ts";
import { startWire } from "../kit/wire/wire.ts";
import { Load, type LoadMessage } from "../load/load.ts";
import { ofPair } from "../load/pairs.ts";
import { type LoadPlatform, startLoadPlatform } from "../load/platform.ts";
import { scheduleOf } from "../load/schedule.ts";
import { startCpuMeter } from "./cpu-use.ts";
import { faultContext, type Running } from "./fault-context.ts";
import { type FaultSystem, startFaultSystem } from "./fault-system.ts";
import { playStages, type Stage, type StageTimes } from "./stages.ts";

export interface RunPlan {
  seed: number;
  /** The platforms that the load is spread over. */
  channels: readonly string[];
  /** Of these, the ones where each message goes into two conversations, told in one webhook. */
  pairs: readonly string[];
  host: EdgeHost;
  /** Messages a second over all conversations. */
  rate: number;
  conversations: number;
  /** With the example agent, which answers every message. */
  agent: boolean;
  /** One after the other. The load ends with the last second of the last one. */
  stages: readonly Stage[];
  /** Each message has to get its 2xx in the end: what a platform gives up is told once more for it. */
  allAcknowledged: boolean;
  /** Beside so many webhooks that wait for their answer nothing new is written. */
  waitingMax: number;
}

export interface RunPorts {
  progress(line: string): void;
  /** Told of the load when it begins; what it gives back is called when it has ended. */
  playing(load: Load): () => void;
  /** Aborted: everything is stopped and removed, and the run rejects. */
  signal: AbortSignal;
}

export interface RunResult {
  report: LoadReport;
  /** All that the report counts. */
  judgement: Judgement;
  messages: readonly LoadMessage[];
  /** Where the logs of a run are that was not ok. */
  dataDir?: string;
}

/** After the last message the platform goes on trying what is not acknowledged for at most this long. */
const settleWithinMs = 60_000;

/** Starts a system, plays the platforms, judges, and leaves nothing running. Rejects when the system cannot be started. */
export async function runPlan(plan: RunPlan, ports: RunPorts): Promise<RunResult> {
  const { seed, rate, conversations, channels } = plan;
  const schedule = scheduleOf({ rate, conversations, random: seededRandom(seed) });
  const load = new Load(schedule, { repeats: plan.allAcknowledged, waitingMax: plan.waitingMax });
  const { wire: needsWire, ...needs } = needsOf(plan);
  await using stack = new AsyncDisposableStack();
  const platforms: LoadPlatform[] = [];
  for (const channelType of channels) {
    const options = { channelType, pairs: plan.pairs.includes(channelType), seed, attempted: load.attempted.bind(load) };
    platforms.push(stack.use(await startLoadPlatform(options)));
  }
  const wire = needsWire ? stack.use(await startWire()) : undefined;
  ports.progress("starting a system");
  const system = stack.use(
    await startFaultSystem(
      {
        ...needs,
        platforms: Object.fromEntries(platforms.map(({ channel, url }) => [channel, url])),
        edgeHost: plan.host,
        ...(wire ? { edgeBusFor: (url: string) => wire.leadTo(url) } : {}),
      },
      ports.progress,
      ports.signal,
    ),
  );
  const nats = await connectOperator(system.bus);
  try {
    const running = { load, platforms, system, nats, wire };
    const result = await Promise.race([play(plan, ports, running), aborted(ports.signal)]);
    if (result.report.ok) return result;
    system.keepData();
    return { ...result, dataDir: system.dataDir };
  } catch (error) {
    if (!ports.signal.aborted) {
      system.keepData();
      ports.progress(`its logs and data are in ${system.dataDir}`);
    }
    throw error;
  } finally {
    await nats.close();
  }
}

async function play(plan: RunPlan, ports: RunPorts, running: Running): Promise<RunResult> {
  const { load, platforms, nats } = running;
  const { progress, signal } = ports;
  progress("the load begins");
  const over = new AbortController();
  const ending = AbortSignal.any([signal, over.signal]);
  const ended = ports.playing(load);
  const meter = await startCpuMeter(() => partsOf(running.system));
  const playing = load.play(platforms, ending);
  const metering = playing.then(() => meter.read());
  metering.catch(() => undefined);
  const repeating = load.repeat(ending);
  const strike = async (chosen: ChosenFault, times: StageTimes): Promise<Strike> => {
    const context = faultContext({ chosen, ...times, plan, progress, signal: ending }, running);
    return { fault: chosen.fault, context, outcome: await chosen.fault.run(context) };
  };
  const striking = playStages(plan.stages, load, strike, ending);
  try {
    // What is told once more has no end of its own; when it fails, the run does.
    const [played, strikes] = await Promise.race([
      Promise.all([playing, striking]),
      repeating.then(() => new Promise<never>(() => {})),
    ]);
    progress("the load has ended; waiting for what the platforms still try");
    await load.settle(settleWithinMs);
    ended();
    progress("waiting until everything has arrived");
    const judgement = await judgeStreams(nats, load.sent, plan.pairs.length > 0 ? ofPair : undefined);
    for (const { fault, context, outcome } of strikes) {
      const later = await fault.after?.(context);
      judgement.doubled.push(...(later?.doubled ?? []));
      outcome.findings.push(...(later?.findings ?? []));
    }
    const report = reportOf({
      seed: plan.seed,
      channel: plan.channels.join(", "),
      host: plan.host,
      rate: plan.rate,
      conversations: plan.conversations,
      seconds: load.seconds,
      edgeDies: strikes.some(({ fault }) => fault.edgeDies),
      allAcknowledged: plan.allAcknowledged,
      played,
      judgement,
      quarantined: await messageCount(nats, streams.quarantine.name),
      faults: strikes.map(({ fault, outcome }) => ({ name: fault.name, ...outcome })),
      cpu: await metering,
    });
    return { report, judgement, messages: played.messages };
  } finally {
    over.abort(new Error("the run is over"));
    ended();
    await Promise.allSettled([playing, striking, repeating]);
  }
}

interface Strike {
  fault: Fault;
  context: FaultContext;
  outcome: FaultOutcome;
}

/** What the system must be started with, for all faults together. */
function needsOf({ stages, agent }: RunPlan) {
  const needs = stages.flatMap(({ faults }) => faults).flatMap(({ fault }) => fault.needs ?? []);
  return {
    wire: needs.some(({ wire }) => wire),
    agent: agent || needs.some((each) => each.agent),
    cores: Math.max(1, ...needs.map(({ cores }) => cores ?? 1)),
    edgeEnv: together(needs.map(({ edgeEnv }) => edgeEnv)),
    coreEnv: together(needs.map(({ coreEnv }) => coreEnv)),
  };
}

function together(environments: readonly (Readonly<Record<string, string>> | undefined)[]): Record<string, string> {
  return Object.fromEntries(environments.flatMap((each) => Object.entries(each ?? {})));
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** Process ids by part; workerd is a child of the edge and counts with it. */
function partsOf(system: FaultSystem): Record<string, number> {
  const { starter = process.pid, workerd: _, ...parts } = system.info().pids;
  return { load: starter, ...parts };
}
