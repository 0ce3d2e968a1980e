// `npm run bench`: figures with their machine and command beside them, as ratios within one run.
import { cpus, totalmem } from "node:os";
import { wordsOf } from "@mio/local/words.ts";
import { benchEdge, edgeBenchDefaults, printEdge } from "./edge/edge.ts";
import { hostNames } from "./edge/hosts.ts";
import { variants } from "./edge/variants.ts";
import { benchFence } from "./fence.ts";

const names = ["edge", "fence"] as const;

const usage = `Usage: npm run bench -- [${names.join("|")} …] [--seconds 3]

Without a name, all of them. For edge also, each with one or several values between commas:
  --host ${hostNames.join(",")}
  --variant "${variants.join(",")}"
  --connections ${edgeBenchDefaults.connections.join(",")}
  --rate ${edgeBenchDefaults.rates.join(",")}   webhooks a second, whatever is answered; none: --rate ""
  --json   its lines as one JSON object instead of tables`;
const { values, positionals } = wordsOf("bench", usage, {
  options: {
    seconds: { type: "string", default: "3" },
    host: { type: "string", default: hostNames.join(",") },
    variant: { type: "string", default: variants.join(",") },
    connections: { type: "string", default: edgeBenchDefaults.connections.join(",") },
    rate: { type: "string", default: edgeBenchDefaults.rates.join(",") },
    json: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

try {
  const chosen = listOf(positionals.join(","), names, "bench");
  const options = {
    seconds: numberOf("--seconds", values.seconds),
    hosts: listOf(values.host, hostNames, "host"),
    variants: listOf(values.variant, variants, "variant"),
    connections: itemsOf(values.connections).map((each) => numberOf("--connections", each)),
    rates: itemsOf(values.rate).map((each) => numberOf("--rate", each)),
  };
  await run(chosen.length > 0 ? chosen : names, options);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function run(chosen: readonly (typeof names)[number][], options: Parameters<typeof benchEdge>[0]): Promise<void> {
  const processors = cpus();
  const machine = `${processors.length} × ${processors[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const words = process.argv.slice(2).join(" ");
  const command = `npm run bench${words === "" ? "" : ` -- ${words}`}`;
  if (!values.json) console.log(`Machine: ${machine}\nCommand: ${command}, ${options.seconds} s a line after a warm-up of 1 s`);
  if (chosen.includes("edge")) {
    const lines = await benchEdge(options);
    if (values.json) console.log(JSON.stringify({ machine, command, seconds: options.seconds, lines }));
    else printEdge(lines);
  }
  if (chosen.includes("fence") && !values.json) await benchFence(options.seconds);
}

function itemsOf(text: string): string[] {
  return text.split(",").filter((each) => each !== "");
}

function listOf<const Name extends string>(text: string, known: readonly Name[], what: string): Name[] {
  return itemsOf(text).map((item) => {
    const found = known.find((name) => name === item);
    if (found === undefined) throw new Error(`there is no ${what} ${item}; see --help`);
    return found;
  });
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} takes a number above 0`);
  return value;
}
