// Puts a simulator together: a platform's own part on the shared world, deliveries, faults, log and control API.
import type { Simulator, SimulatorHost } from "../contract/simulator.ts";
import { ApiCalls } from "./api-call.ts";
import { Consents } from "./consent.ts";
import { createControl } from "./control.ts";
import { Deliveries } from "./deliveries.ts";
import { Faults } from "./faults.ts";
import { People } from "./people.ts";
import type { SimulatedPlatform } from "./platform.ts";
import { RequestLog } from "./request-log.ts";
import { createSaver } from "./state/saver.ts";
import { readState } from "./state/state.ts";
import { stateText } from "./state/state-text.ts";
import { World } from "./state/world.ts";

/** Loads what was saved, goes on with the deliveries that are owed, and serves. Rejects when the saved text is not a state. */
export async function createSimulator(platform: SimulatedPlatform, host: SimulatorHost): Promise<Simulator> {
  const saved = readState(await host.load());
  const pause = () => host.clock.sleep(0);
  const text = () => stateText(world, deliveries.owed(), pause);
  const saver = host.save
    ? createSaver(host.clock, text, host.save, (error) => host.report?.(error))
    : { changed: () => {}, close: async () => {} };
  const world = new World(saved, saver.changed);
  const faults = new Faults();
  const requests = new RequestLog();
  const deliveries = new Deliveries(platform, host, world, faults, saver.changed);
  const people = new People(platform, host, world, deliveries);
  const calls = new ApiCalls(host, faults, requests);
  const consents = new Consents(host);
  const kit = { host, world, people, calls, deliveries, consents };
  const control = createControl({ ...kit, platform, faults, requests });
  for (const delivery of saved.deliveries) deliveries.queue(delivery);

  return {
    channelType: platform.channelType,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname !== "/_control" && !pathname.startsWith("/_control/")) return platform.api(request, kit);
      return (await platform.control?.(request, kit)) ?? control(request);
    },
    async close() {
      calls.close();
      await deliveries.close();
      await saver.close();
    },
  };
}
