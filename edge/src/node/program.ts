// The life of the process: configuration, start, a word to the parent that it is ready, and a peaceful end on SIGTERM.
import type { InboundDoor } from "@mio/shared/channels/contract/inbound.ts";
import type { UplinkParts } from "../uplink/uplink.ts";
import { describeConfig, describeVariables, readConfig } from "./config.ts";
import { startNodeHost } from "./host.ts";
import { createLog } from "./log.ts";

const usage = `Usage: node edge/src/node/main.ts

The edge in one Node process: takes webhooks, answers when they are on the bus or on this disk. Configuration comes from the
environment, or from the file that the same name with _FILE behind it names:

${describeVariables()}`;

/** Runs until a signal asks it to stop; ends the process. */
export async function runEdge(doors: readonly InboundDoor[], words: readonly string[], uplinkParts?: UplinkParts): Promise<void> {
  try {
    await run(doors, words, uplinkParts);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`edge: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

async function run(doors: readonly InboundDoor[], words: readonly string[], uplinkParts?: UplinkParts): Promise<void> {
  if (words.includes("--help") || words.includes("-h")) return console.log(usage);
  if (words.length > 0) throw new Error(`there is no option ${words[0]}; see --help`);
  // Somebody who reads the log and goes away is no reason to end.
  process.stdout.on("error", () => {});
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
    process.once("disconnect", () => resolve("the parent process is gone"));
  });
  const config = readConfig(process.env);
  const { log, flush } = createLog((text) => void process.stdout.write(text));
  log({ level: "info", event: "starting", config: describeConfig(config) });
  const host = await startNodeHost(config, doors, log, uplinkParts);
  log({ level: "info", event: "ready", url: host.url });
  process.send?.({ kind: "ready", url: host.url });
  const reason = await stopped;
  log({ level: "info", event: "stopping", reason });
  await host.stop();
  log({ level: "info", event: "stopped" });
  flush();
}
