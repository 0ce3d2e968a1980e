// `npm run faults`: breaks a whole local system for real, one scenario after the other, and counts what was lost, doubled or reordered.
import { inspect } from "node:util";
import { wholeNumber } from "@mio/local/whole-number.ts";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { agentDies } from "./list/agent-dies.ts";
import { busAway } from "./list/bus-away.ts";
import { coreDies } from "./list/core-dies.ts";
import { coreStops } from "./list/core-stops.ts";
import { directoryWiped } from "./list/directory-wiped.ts";
import { edgeDies } from "./list/edge-dies.ts";
import { fiveTimes } from "./list/five-times.ts";
import { postgresRestarts } from "./list/postgres-restarts.ts";
import { senderDies } from "./list/sender-dies.ts";
import { shardCutOff } from "./list/shard-cut-off.ts";
import { resultTable } from "./result-table.ts";
import { runScenario, type Scenario, type ScenarioResult } from "./scenario.ts";

const scenarios: readonly Scenario[] = [
  busAway,
  coreDies,
  edgeDies,
  postgresRestarts,
  fiveTimes,
  senderDies,
  agentDies,
  coreStops,
  directoryWiped,
  shardCutOff,
];

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
  .option("--conversations <number>", "over the three channels", wholeNumber(3, 1_000), 60)
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
    try {
      const result = await runScenario(scenario, { ...options, progress, signal: stop.signal });
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

function chosen(text: string): Scenario[] {
  return text.split(",").map((letter) => {
    const scenario = scenarios.find((each) => each.key === letter.trim());
    if (!scenario)
      throw new InvalidArgumentError(`there is no ${letter}; there are ${scenarios.map(({ key }) => key).join(", ")}.`);
    return scenario;
  });
}
