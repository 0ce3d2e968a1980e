import { pino } from "pino";
import { expect, it } from "vitest";
import type { Service, ServiceContext } from "./service.ts";
import { supervise } from "./supervisor.ts";

const log = pino({ level: "silent" });
const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

/** Services here use nothing of their context but the signal. */
function supervised(services: Service[], stop: AbortController): Promise<number> {
  return supervise(services, () => ({ signal: stop.signal }) as ServiceContext, stop, log);
}

it("ends with 0 once every service has finished after a stop", async () => {
  const stop = new AbortController();
  const finished: string[] = [];
  const service = (name: string): Service => ({
    name,
    run: async ({ signal }) => {
      await untilAborted(signal);
      finished.push(name);
    },
  });
  const running = supervised([service("one"), service("two")], stop);
  stop.abort(new Error("stopped"));
  expect(await running).toBe(0);
  expect(finished).toEqual(["one", "two"]);
});

it("stops the others and ends with 1 when one fails, or ends without being asked to", async () => {
  for (const run of [() => Promise.reject(new Error("broken")), () => Promise.resolve()]) {
    const stop = new AbortController();
    let otherFinished = false;
    const other: Service = {
      name: "other",
      run: async ({ signal }) => {
        await untilAborted(signal);
        otherFinished = true;
      },
    };
    expect(await supervised([{ name: "failing", run }, other], stop)).toBe(1);
    expect(otherFinished).toBe(true);
  }
});
