// One simulated platform as a process: `node local/simulator.ts <channel> --port <port> --state <file>`. Its state is one file, replaced
// as a whole, so that a kill leaves the old or the new one.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { simulatorKinds } from "@mio/shared/channels/simulators.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { runPart } from "./part-program.ts";
import { serveFetch } from "./serve-fetch.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string", default: "0" }, state: { type: "string" } },
});

await runPart(`simulator ${positionals[0] ?? ""}`, async () => {
  const kind = simulatorKinds.find((each) => each.channelType === positionals[0]);
  if (!kind) throw new Error(`there is no such channel; there are ${simulatorKinds.map((each) => each.channelType).join(", ")}`);
  let handle: (request: Request) => Promise<Response> = async () => Response.json({ error: "starting" }, { status: 503 });
  const server = await serveFetch(Number(values.port), (request) => handle(request));
  const file = values.state;
  const simulator = await kind.create({
    baseUrl: server.url,
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
    fetch: (url, init) => fetch(url, init),
    load: async () => (file ? await readFile(file, "utf8").catch(() => undefined) : undefined),
    save: async (state) => {
      if (file) await replaceFile(file, state);
    },
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

async function replaceFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
