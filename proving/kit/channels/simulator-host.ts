// What a simulator stands on in a test: a clock that the test moves, a text that is saved, and an app whose answers the test gives.
import type { SimulatorHost } from "@mio/shared/channels/contract/simulator.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { type ManualClock, manualClock } from "../time/manual-clock.ts";

export interface TestHost {
  host: SimulatorHost;
  clock: ManualClock;
  /** The texts that were saved, in order. */
  saved: string[];
  /** What came to the app's webhook, and what it answers: a status, or "hang". */
  received: { at: number; headers: Record<string, string>; body: string }[];
  answers: (number | "hang" | "no-retry")[];
}

export function testHost(state?: string): TestHost {
  const clock = manualClock({ otherThreads: true });
  const saved: string[] = [];
  const received: TestHost["received"] = [];
  const answers: TestHost["answers"] = [];
  const host: SimulatorHost = {
    baseUrl: "http://simulator",
    clock,
    random: seededRandom(1),
    load: async () => state,
    save: async (text) => void saved.push(text),
    fetch: async (_url, init) => {
      received.push({ at: clock.monotonicMs(), headers: Object.fromEntries(new Headers(init.headers)), body: String(init.body) });
      const answer = answers.shift() ?? 200;
      if (answer === "no-retry") return new Response("", { status: 500, headers: { "x-no-retry": "1" } });
      if (answer !== "hang") return new Response("", { status: answer });
      return new Promise((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    },
  };
  return { host, clock, saved, received, answers };
}
