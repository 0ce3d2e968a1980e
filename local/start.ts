// `npm start`: the whole system on this machine until Ctrl-C. Standard output carries one line of JSON with --json and a few lines for people
// without; progress and complaints go to standard error.
import { join } from "node:path";
import { simulatorKinds } from "@mio/shared/channels/doors/simulator.ts";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { parentOf } from "./servers/process-identity.ts";
import type { ExistingNats } from "./system/bus-access.ts";
import type { LocalSystem } from "./system/local-file.ts";
import { type RunningSystem, startSystem } from "./system/system.ts";
import type { SystemOptions } from "./system/system-options.ts";
import { wholeNumber } from "./whole-number.ts";
import { refusal } from "./words.ts";

const parentLookMs = 500;
/** npm passes a terminal's Ctrl-C on, so that one keystroke comes twice. */
const sameRequestMs = 1_000;
/** The project's own test channel runs only when it is named. */
const forPeople = simulatorKinds.map((kind) => kind.channelType).filter((channel) => channel !== "test");

interface Flags {
  data: string;
  json?: true;
  channels?: string[];
  cores: number;
  port?: number;
  anyPorts?: true;
}

async function main(): Promise<number> {
  const startedAt = performance.now();
  const flags = readFlags();
  if (typeof flags === "number") return flags;
  const stop = stopRequests();
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  let system: RunningSystem;
  try {
    system = await startSystem({ ...optionsOf(flags), progress: say, signal: stop.signal });
  } catch (error) {
    say(`mio: ${error instanceof Error ? error.message : String(error)}`);
    return stop.signal.aborted && process.exitCode === undefined ? 130 : 1;
  }
  const { info } = system;
  if (flags.json) process.stdout.write(`${JSON.stringify(info())}\n`);
  else process.stdout.write(welcome(info(), (performance.now() - startedAt) / 1_000, flags.data));
  const reason = await Promise.race([system.broken, stop.asked]);
  const broke = !stop.signal.aborted;
  say(broke ? `mio: ${reason}; stopping everything (logs are in ${join(flags.data, "logs")})` : `${reason}: stopping`);
  await system.stop();
  say("stopped; nothing is left running");
  return broke || process.exitCode !== undefined ? 1 : 0;
}

/** The exit code when there is nothing to start: help was asked for, or the words are not understood. */
function readFlags(): Flags | number {
  const known = simulatorKinds.map((kind) => kind.channelType);
  const program = new Command("npm start --")
    .description(
      "Runs the whole system on this machine until Ctrl-C: bus, database, Worker, core, an example agent, simulated platforms.",
    )
    .option("--data <folder>", "where everything is kept; a second start continues from it", ".mio")
    .option(
      "--json",
      "print one line of JSON when all is ready, and nothing else, on standard output (npm --silent start keeps npm quiet too)",
    )
    .option("--port <port>", "port of the edge (default: 8787, or a free one)", wholeNumber(1, 65_535))
    .option("--any-ports", "any free ports instead of the usual ones, for several systems at once")
    .option("--cores <count>", "core processes side by side", wholeNumber(1, 8), 1)
    .option("--channels <list>", `platforms to simulate, of ${known.join(", ")} (default: those for people)`, channelList(known))
    .addHelpText(
      "after",
      `
Environment:
  MIO_POSTGRES_DSN          use this Postgres instead of starting one
  MIO_NATS_URL              use this nats-server (nats://user:password@host:4222) instead of starting one, together with
  MIO_NATS_WEBSOCKET_URL    its WebSocket door for the Worker (ws://host:4223)
  MIO_NATS_SERVER_BIN       the nats-server program to start`,
    )
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      outputError: refusal("mio", "npm start -- --help"),
    });
  try {
    return program.parse().opts<Flags>();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}

function optionsOf(flags: Flags): SystemOptions {
  const nats = existingNats(process.env);
  const postgresDsn = process.env.MIO_POSTGRES_DSN;
  return {
    dataDir: flags.data,
    channels: flags.channels ?? forPeople,
    cores: flags.cores,
    ports: flags.anyPorts ? "any" : "usual",
    existing: { ...(postgresDsn ? { postgresDsn } : {}), ...(nats ? { nats } : {}) },
    ...(flags.port === undefined ? {} : { edgePort: flags.port }),
  };
}

function existingNats(env: NodeJS.ProcessEnv): ExistingNats | undefined {
  if (!env.MIO_NATS_URL) return undefined;
  if (!URL.canParse(env.MIO_NATS_URL)) throw new Error("MIO_NATS_URL is no URL; set it like nats://user:password@127.0.0.1:4222");
  if (!env.MIO_NATS_WEBSOCKET_URL)
    throw new Error("MIO_NATS_URL is set: the Worker also needs MIO_NATS_WEBSOCKET_URL, like ws://127.0.0.1:4223");
  const url = new URL(env.MIO_NATS_URL);
  const { username, password } = url;
  return {
    url: `nats://${url.host}`,
    websocketUrl: env.MIO_NATS_WEBSOCKET_URL,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

/** The first signal stops in order, the second at once. Started by npm, the end of npm counts as a signal. */
function stopRequests(): { signal: AbortSignal; asked: Promise<string> } {
  const abort = new AbortController();
  const asked = new Promise<string>((resolve) => {
    let firstAt = 0;
    const request = (why: string) => {
      if (abort.signal.aborted) {
        if (performance.now() - firstAt > sameRequestMs) process.exit(130);
        return;
      }
      firstAt = performance.now();
      abort.abort();
      resolve(why);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => request(signal));
    // A fault of ours must not leave processes behind either.
    for (const event of ["uncaughtException", "unhandledRejection"] as const) {
      process.on(event, (error: unknown) => {
        process.exitCode = 1;
        request(`a fault of the starter itself (${error instanceof Error ? error.message : String(error)})`);
      });
    }
    if (!process.env.npm_lifecycle_event) return;
    // npm starts a shell, and the shell starts us: the end of either counts.
    const [shell, npm] = [process.ppid, parentOf(process.ppid)];
    setInterval(() => {
      if ((process.ppid !== shell || parentOf(shell) !== npm) && !abort.signal.aborted) request("npm is gone");
    }, parentLookMs).unref();
  });
  return { signal: abort.signal, asked };
}

function welcome(info: LocalSystem, seconds: number, data: string): string {
  const [first] = info.accounts;
  const channel = first?.channel_type.replaceAll("_", "-") ?? "";
  const rows = [
    ["edge", info.edge],
    ["core", info.core],
    ["bus", `${info.nats}  ${info.nats_websocket}`],
    ["postgres", new URL(info.postgres).host],
    ...Object.entries(info.simulators).map(([name, url]) => [name, `${url} (simulated)`]),
    ["data", `${info.data} (addresses and passwords in local.json, logs in logs/)`],
  ];
  const dataFlag = data === ".mio" ? "" : ` --data ${data}`;
  return [
    `ready after ${seconds.toFixed(1)} s`,
    ...rows.map(([name, value]) => `  ${(name ?? "").padEnd(12)}${value}`),
    "try next, in another terminal:",
    `  npm run say -- ${channel} "hello"${dataFlag}`,
    `  npm run mio --${dataFlag} account list`,
    "an agent of your own: sdk/typescript/README.md",
    "Ctrl-C stops it; the next start continues from the same data.",
    "",
  ].join("\n");
}

function channelList(known: readonly string[]): (text: string) => string[] {
  return (text) => {
    const channels = text.split(",").map((each) => each.trim().replaceAll("-", "_"));
    const unknown = channels.find((channel) => !known.includes(channel));
    if (unknown !== undefined)
      throw new InvalidArgumentError(`there is no channel ${JSON.stringify(unknown)}; there are ${known.join(", ")}.`);
    return [...new Set(channels)];
  };
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`mio: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
process.exit();
