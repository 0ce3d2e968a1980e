// `npm run load`: plays a platform on a whole local system, breaks things meanwhile, and says what came of it.
import { simulatorKinds } from "@mio/shared/channels/doors/simulator.ts";
import { CommanderError } from "commander";
import { faults } from "../faults/list.ts";
import { type RunPlan, runPlan } from "../stand/run.ts";
import type { Load } from "./load.ts";
import { contradictionIn, type LoadOptions, loadCommand } from "./options.ts";
import { progressOf, summaryOf } from "./summary.ts";

const channels = ["slack", ...simulatorKinds.map((kind) => kind.channelType)];
const barEveryMs = 200;
const lineEveryMs = 5_000;

const program = loadCommand([...new Set(channels)], faults);
try {
  program.parse();
  process.exitCode = await main(program.opts<LoadOptions>());
  // All parts are stopped by now. What a torn connection or an interrupted wait has left in this process is of no interest any more.
  process.stdout.write("", () => process.exit());
} catch (error) {
  if (!(error instanceof CommanderError)) console.error(`load: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof CommanderError ? error.exitCode : 1;
}

async function main(options: LoadOptions): Promise<number> {
  const contradiction = contradictionIn(options);
  if (contradiction !== undefined) throw new Error(contradiction);
  const startMs = performance.now();
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));
  const clearLine = process.stderr.isTTY ? "\r\x1b[K" : "";
  const progress = (line: string) =>
    console.error(`${clearLine}[${((performance.now() - startMs) / 1_000).toFixed(0).padStart(4)} s] ${line}`);
  const playing = (load: Load) => {
    const report = () => (clearLine ? process.stderr.write(clearLine + progressOf(load, options.seconds)) : reportLine(load));
    const reportLine = (each: Load) => progress(progressOf(each, options.seconds));
    const timer = setInterval(report, clearLine ? barEveryMs : lineEveryMs);
    return () => clearInterval(timer);
  };
  console.error(`seed ${options.seed}`);
  try {
    const { report, dataDir } = await runPlan(planOf(options), { progress, playing, signal: stop.signal });
    if (dataDir !== undefined) progress(`logs and data are in ${dataDir}`);
    const withData = dataDir === undefined ? report : { ...report, data_dir: dataDir };
    console.log(options.json ? JSON.stringify(withData) : summaryOf(report));
    return report.ok ? 0 : 1;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    progress("stopped; nothing is left running");
    return 130;
  }
}

/** One platform, left to its own patience, and all faults side by side over the whole run. */
function planOf({ channel, agent, seconds, faults: chosen, ...options }: LoadOptions): RunPlan {
  const stages = [{ seconds, faults: chosen }];
  const open = { allAcknowledged: false, waitingMax: Number.POSITIVE_INFINITY };
  return { ...options, ...open, channels: [channel], pairs: [], agent: agent === true, stages };
}
