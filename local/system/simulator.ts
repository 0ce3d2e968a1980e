// One simulated platform as a process: `node local/system/simulator.ts <channel> --port <port> --state <file>`. Its state is one file, replaced
// as a whole, so that a kill leaves the old or the new one.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { simulatorKinds } from "@mio/shared/channels/doors/simulator.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { runPart } from "../servers/part-program.ts";
import { serveFetch } from "../servers/serve-fetch.ts";
import { portOf, wordsOf } from "../words.ts";

const usage = "Usage: node local/system/simulator.ts <channel> [--port <port>] [--state <file>]";
const { positionals, values } = wordsOf("simulator", usage, {
  allowPositionals: true,
  options: { port: { type: "string", default: "0" }, state: { type: "string" } },
});
const named = `simulator ${positionals[0] ?? ""}`;

await runPart(named, async () => {
  const kind = simulatorKinds.find((each) => each.channelType === positionals[0]);
  if (!kind) throw new Error(`there is no such channel; there are ${simulatorKinds.map((each) => each.channelType).join(", ")}`);
  let handle: (request: Request) => Promise<Response> = async () => Response.json({ error: "starting" }, { status: 503 });
  const server = await serveFetch(portOf(values.port), (request) => handle(request));
  const file = values.state;
  const simulator = await kind.create({
    baseUrl: server.url,
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
    fetch: (url, init) => fetch(url, init),
    load: async () => (file ? await readState(file) : undefined),
    save: async (state) => {
      if (file) await replaceFile(file, state);
    },
    report: (error) => void process.stderr.write(`${named}: ${error instanceof Error ? error.message : String(error)}\n`),
  });
  handle = (request) => simulator.fetch(request);
  return {
    report: { url: server.url },
    stop: async () => {
      await simulator.close();
      await server[Symbol.asyncDispose]();
    },
  };
});

/** Undefined only when there is none: a file that cannot be read must not be taken for none, for it would be overwritten. */
async function readState(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
