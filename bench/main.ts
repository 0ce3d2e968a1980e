// `npm run bench`: figures with their machine and command beside them, as ratios within one run.
import { cpus, totalmem } from "node:os";
import { wordsOf } from "@mio/local/words.ts";
import { benchEdge } from "./edge.ts";
import { benchFence } from "./fence.ts";

const benches = { edge: benchEdge, fence: benchFence };

const usage = `Usage: npm run bench -- [${Object.keys(benches).join("|")} …] [--seconds 5]

Without a name, all of them.`;
const { values, positionals } = wordsOf("bench", usage, {
  options: { seconds: { type: "string", default: "5" } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !(name in benches));
const seconds = Number(values.seconds);
if (unknown.length > 0 || !(seconds > 0)) {
  console.error(
    unknown.length > 0 ? `bench: there is no bench ${unknown.join(", ")}; see --help` : "bench: --seconds takes a number above 0",
  );
  process.exitCode = 1;
} else {
  const processors = cpus();
  console.log(
    `Machine: ${processors.length} × ${processors[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
  );
  console.log(
    `Command: npm run bench${positionals.length > 0 ? ` -- ${positionals.join(" ")}` : ""}, ${seconds} s a line after a warm-up of 1 s`,
  );
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length === 0 || positionals.includes(name)) await bench(seconds);
  }
}
