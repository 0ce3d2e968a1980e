// What a fault is given: the system, the load, an operator's hands, and the moments of its stage.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { EdgeHost } from "@mio/local/system/system-options.ts";
import { seededRandom } from "@mio/shared/random.ts";
import type { ChosenFault, FaultContext } from "../faults/fault.ts";
import type { NatsConnection } from "../kit/bus/client.ts";
import type { Wire } from "../kit/wire/wire.ts";
import type { Load } from "../load/load.ts";
import type { LoadPlatform } from "../load/platform.ts";
import type { FaultSystem } from "./fault-system.ts";
import type { StageTimes } from "./stages.ts";

/** What runs. */
export interface Running {
  load: Load;
  platforms: readonly LoadPlatform[];
  system: FaultSystem;
  nats: NatsConnection;
  wire: Wire | undefined;
}

export interface FaultSettings extends StageTimes {
  chosen: ChosenFault;
  /** Of the run. */
  plan: { seed: number; host: EdgeHost; conversations: number };
  progress(line: string): void;
  signal: AbortSignal;
}

/** An operator's acts on the bus: each answer, and all tries together. */
const busTimeoutMs = 5_000;
const deadlineMs = 30_000;

const run = promisify(execFile);
const cli = join(import.meta.dirname, "../../core/src/cli/main.ts");

export function faultContext(settings: FaultSettings, running: Running): FaultContext {
  const { chosen, plan, startMs, seconds, progress, signal } = settings;
  const { system, platforms, nats } = running;
  const [platform] = platforms;
  const account = system.info().accounts.find(({ channel_type }) => channel_type === platform?.channel);
  if (!platform || !account) throw new Error("the system has no account");
  const pause = (ms: number) => (ms > 0 ? sleep(ms, undefined, { signal }) : Promise.resolve());
  return {
    ...running,
    seed: plan.seed,
    host: plan.host,
    conversations: plan.conversations,
    platform,
    channel: platform.channel,
    account,
    count: chosen.count,
    seconds,
    startMs,
    // Its own, so that a fault strikes at the same moments whatever else is chosen.
    random: seededRandom(plan.seed ^ numberOf(chosen.fault.name)),
    signal,
    progress,
    at: (share) => pause(startMs + share * seconds * 1_000 - performance.now()),
    pause,
    onBus: (work) => untilDone(async () => work(await nats.jetstreamManager({ timeout: busTimeoutMs })), signal),
    async mio(...words) {
      const { stdout } = await run(process.execPath, [cli, "--data", system.dataDir, "--json", ...words], { signal });
      return JSON.parse(stdout);
    },
  };
}

async function untilDone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

/** Some number, the same for the same name. */
function numberOf(name: string): number {
  let number = 0;
  for (const character of name) number = (Math.imul(number, 31) + character.charCodeAt(0)) >>> 0;
  return number;
}
