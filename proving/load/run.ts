// One run: a system of its own, the load and its faults side by side, and what came of it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { seededRandom } from "@mio/shared/random.ts";
import type { NatsConnection } from "nats";
import type { FaultContext, FaultOutcome } from "../faults/fault.ts";
import { judgeStreams } from "../judge/judge-streams.ts";
import { type LoadReport, reportOf } from "../judge/report.ts";
import { connectOperator, messageCount } from "../judge/witness.ts";
import { startWire, type Wire } from "../kit/wire/wire.ts";
import { type FaultSystem, startFaultSystem } from "../stand/fault-system.ts";
import { startCpuMeter } from "./cpu-use.ts";
import { Load } from "./load.ts";
import type { ChosenFault, LoadOptions } from "./options.ts";
import { type LoadPlatform, startLoadPlatform } from "./platform.ts";
import { scheduleOf } from "./schedule.ts";

export interface RunPorts {
  progress(line: string): void;
  /** Told of the load when it begins; what it gives back is called when it has ended. */
  playing(load: Load): () => void;
  /** Aborted: everything is stopped and removed, and the run rejects. */
  signal: AbortSignal;
}

/** After the last message the platform goes on trying what is not acknowledged for at most this long. */
const settleWithinMs = 60_000;

/** An operator's acts on the bus: each answer, and all tries together. */
const busTimeoutMs = 5_000;
const patienceMs = 30_000;

const run = promisify(execFile);
const cli = join(import.meta.dirname, "../../core/src/cli/main.ts");

/** Starts a system, plays the platform, judges, and leaves nothing running. Rejects when the system cannot be started. */
export async function runLoad(options: LoadOptions, ports: RunPorts): Promise<LoadReport & { data_dir?: string }> {
  const { channel, seed, rate, seconds, conversations } = options;
  const load = new Load(scheduleOf({ rate, seconds, conversations, random: seededRandom(seed) }), seconds);
  const attempted = load.attempted.bind(load);
  await using platform = await startLoadPlatform({ channelType: channel, seed, attempted });
  const needs = needsOf(options.faults);
  await using wire = needs.wire ? await startWire() : undefined;
  ports.progress("starting a system");
  await using system = await startFaultSystem(
    {
      channels: [],
      platforms: { [channel]: platform.url },
      edgeHost: options.host,
      agent: options.agent === true,
      edgeEnv: needs.edgeEnv,
      coreEnv: needs.coreEnv,
      ...(wire ? { edgeBusFor: (url: string) => wire.leadTo(url) } : {}),
    },
    ports.progress,
    ports.signal,
  );
  const nats = await connectOperator(system.bus);
  try {
    const report = await play(options, ports, { load, platform, system, nats, wire });
    if (report.ok) return report;
    system.keepData();
    return { ...report, data_dir: system.dataDir };
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

interface Running {
  load: Load;
  platform: LoadPlatform;
  system: FaultSystem;
  nats: NatsConnection;
  wire: Wire | undefined;
}

async function play(options: LoadOptions, ports: RunPorts, running: Running): Promise<LoadReport> {
  const { load, platform, nats } = running;
  const { progress, signal } = ports;
  progress("the load begins");
  const over = new AbortController();
  const ending = AbortSignal.any([signal, over.signal]);
  const ended = ports.playing(load);
  const meter = await startCpuMeter(() => partsOf(running.system));
  const playing = load.play(platform, ending);
  const metering = playing.then(() => meter.read());
  metering.catch(() => undefined);
  const striking = options.faults.map((chosen) => strike(chosen, options, ports, running, ending));
  try {
    const [played, faults] = await Promise.all([playing, Promise.all(striking)]);
    progress("the load has ended; waiting for what the platform still tries");
    await load.settle(platform, settleWithinMs);
    ended();
    progress("waiting until everything has arrived");
    const judgement = await judgeStreams(nats, load.messages);
    const quarantined = await messageCount(nats, streams.quarantine.name);
    const edgeDies = options.faults.some(({ fault }) => fault.edgeDies);
    return reportOf({ ...options, edgeDies, played, judgement, quarantined, faults, cpu: await metering });
  } finally {
    over.abort(new Error("the run is over"));
    ended();
    await Promise.allSettled([playing, ...striking]);
  }
}

async function strike(
  { fault, count }: ChosenFault,
  { channel, host, seconds, seed }: LoadOptions,
  { progress }: RunPorts,
  { load, platform, system, nats, wire }: Running,
  signal: AbortSignal,
): Promise<{ name: string } & FaultOutcome> {
  const pause = (ms: number) => (ms > 0 ? sleep(ms, undefined, { signal }) : Promise.resolve());
  const [account] = system.info().accounts;
  if (!account) throw new Error("the system has no account");
  const context: FaultContext = {
    system,
    account,
    seed,
    wire,
    channel,
    host,
    count,
    seconds,
    load,
    platform,
    nats,
    // Its own, so that a fault strikes at the same moments whatever else is chosen.
    random: seededRandom(seed ^ numberOf(fault.name)),
    signal,
    progress,
    at: (share) => pause(load.startMs + share * seconds * 1_000 - performance.now()),
    pause,
    onBus: (work) => patiently(async () => work(await nats.jetstreamManager({ timeout: busTimeoutMs })), signal),
    async mio(...words) {
      const { stdout } = await run(process.execPath, [cli, "--data", system.dataDir, "--json", ...words], { signal });
      return JSON.parse(stdout);
    },
  };
  return { name: fault.name, ...(await fault.run(context)) };
}

async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

/** Process ids by part; workerd is a child of the edge and counts with it. */
function partsOf(system: FaultSystem): Record<string, number> {
  const { starter = process.pid, workerd: _, ...parts } = system.info().pids;
  return { load: starter, ...parts };
}

function needsOf(faults: readonly ChosenFault[]) {
  const needs = faults.flatMap(({ fault }) => fault.needs ?? []);
  return {
    wire: needs.some(({ wire }) => wire),
    edgeEnv: Object.assign({}, ...needs.map(({ edgeEnv }) => edgeEnv)) as Record<string, string>,
    coreEnv: Object.assign({}, ...needs.map(({ coreEnv }) => coreEnv)) as Record<string, string>,
  };
}

/** Some number, the same for the same name. */
function numberOf(name: string): number {
  let number = 0;
  for (const letter of name) number = (Math.imul(number, 31) + letter.charCodeAt(0)) >>> 0;
  return number;
}
