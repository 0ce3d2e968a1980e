// A simulator over real HTTP, for clients that speak it themselves.
import { serveFetch } from "@mio/local/servers/serve-fetch.ts";
import type { Simulator, SimulatorKind } from "@mio/shared/channels/contract/simulator.ts";
import { type Clock, clockOf } from "@mio/shared/clock.ts";
import { seededRandom } from "@mio/shared/random.ts";

/** On this machine's clock unless another is given. */
export async function serveSimulator(kind: SimulatorKind, clock: Clock = clockOf(globalThis)) {
  let simulator: Simulator | undefined;
  const server = await serveFetch(0, async (request) => simulator?.fetch(request) ?? new Response(null, { status: 500 }));
  const { url: baseUrl } = server;
  simulator = await kind.create({
    baseUrl,
    clock,
    random: seededRandom(7),
    fetch: (url, init) => fetch(url, init),
    load: async () => undefined,
    save: async () => undefined,
  });
  const { close } = simulator;
  return {
    baseUrl,
    control: async (method: string, path: string, body?: unknown) => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      return (await fetch(`${baseUrl}/_control/${path}`, init)).json();
    },
    [Symbol.asyncDispose]: async () => {
      await close();
      await server[Symbol.asyncDispose]();
    },
  };
}
