// `npm run faults`: breaks a whole local system for real, one scenario after the other, and counts what was lost, doubled or reordered.
import { inspect } from "node:util";
import { wholeNumber } from "@mio/local/whole-number.ts";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import type { Load } from "../load/load.ts";
import { progressOf } from "../load/summary.ts";
import { type RunPlan, runPlan } from "../stand/run.ts";
import { resultOf, type ScenarioResult } from "./result.ts";
import { resultTable } from "./result-table.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const channels = ["zoho_cliq", "slack", "telegram"];
const tellEveryMs = 10_000;

interface Options {
  seed: number;
  only?: Scenario[];
  seconds: number;
  rate: number;
  conversations: number;
  json?: boolean;
}

const program = new Command("faults")
  .description("Breaks a whole local system for real under load, and counts what was lost, doubled or out of order.")
  .option(
    "--seed <number>",
    "draws users, times and points of the faults; printed, so that a run can be repeated",
    wholeNumber(0, 2 ** 32 - 1),
    Date.now() % 100_000,
  )
  .option("--only <letters>", "only these, such as a,c", chosen)
  .option("--seconds <number>", "of load before and after each fault", wholeNumber(1, 600), 10)
  .option("--rate <number>", "webhooks a second", wholeNumber(1, 2_000), 200)
  .option("--conversations <number>", "over all platforms", wholeNumber(3, 1_000), 60)
  .option("--json", "print one JSON value on standard output; progress goes to standard error as always")
  .addHelpText("after", `\nScenarios:\n${scenarios.map(({ key, title }) => `  ${key}  ${title}`).join("\n")}`)
  .allowExcessArguments(false)
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "faults: ")) });

try {
  program.parse();
  process.exitCode = await main(program.opts<Options>());
  // What an interrupted scenario was waiting for is of no interest any more.
  if (process.exitCode === 130) process.exit();
} catch (error) {
  if (!(error instanceof CommanderError)) console.error(`faults: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof CommanderError ? error.exitCode : 1;
}

async function main(options: Options): Promise<number> {
  const startMs = performance.now();
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));
  const results: ScenarioResult[] = [];
  let broken = 0;
  console.error(`seed ${options.seed}`);
  for (const scenario of options.only ?? scenarios) {
    const progress = (line: string) =>
      console.error(`[${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s] ${scenario.key}: ${line}`);
    const playing = (load: Load) => {
      const timer = setInterval(() => progress(`  ${progressOf(load)}`), tellEveryMs);
      return () => clearInterval(timer);
    };
    progress(scenario.title);
    try {
      const ports = { progress, playing, signal: stop.signal };
      const result = resultOf(scenario, await runPlan(planOf(scenario, options), ports));
      results.push(result);
      progress(result.failures.length === 0 ? "pass" : `FAIL: ${result.failures.join("; ")}`);
    } catch (error) {
      if (stop.signal.aborted) {
        progress("stopped; nothing is left running");
        return 130;
      }
      broken += 1;
      progress(`BROKEN: ${inspect(error)}`);
    }
  }
  console.log(options.json ? JSON.stringify({ seed: options.seed, results }) : `seed ${options.seed}\n${resultTable(results)}`);
  return broken === 0 && results.every((result) => result.failures.length === 0) ? 0 : 1;
}

/** The load before the faults, beside each of them, and after them. */
function planOf({ faults, load, pairs = [] }: Scenario, { seed, seconds, rate, conversations }: Options): RunPlan {
  const asked = load ?? { rate, conversations };
  const calm = { seconds, faults: [] };
  const stages = faults.map(({ fault, count = 1, seconds: own }) => ({ seconds: own, faults: [{ fault, count }] }));
  return {
    seed,
    channels: [...channels, ...pairs],
    pairs,
    host: "worker",
    ...asked,
    agent: false,
    stages: [calm, ...stages, calm],
    allAcknowledged: true,
    // A healthy edge holds fewer, also in an outage. On a machine that is too busy, more would time out and come again without end.
    waitingMax: Math.max(asked.rate, asked.conversations),
  };
}

function chosen(text: string): Scenario[] {
  return text.split(",").map((key) => {
    const scenario = scenarios.find((each) => each.key === key.trim());
    if (!scenario)
      throw new InvalidArgumentError(`there is no ${key}; there are ${scenarios.map((each) => each.key).join(", ")}.`);
    return scenario;
  });
}
