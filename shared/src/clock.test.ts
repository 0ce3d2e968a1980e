import { describe, expect, it } from "vitest";
import { clockOf, type TimeHost } from "./clock.ts";

/** A host whose timers fire by hand and count what is left of them. */
function manualHost() {
  const timers = new Map<number, () => void>();
  let next = 1;
  const host: TimeHost = {
    Date: { now: () => 1_700_000_000_000 },
    performance: { now: () => 17.5 },
    setTimeout: (callback) => {
      timers.set(next, callback);
      return next++;
    },
    clearTimeout: (handle: number) => void timers.delete(handle),
  };
  const fire = () => {
    for (const [handle, callback] of timers) {
      timers.delete(handle);
      callback();
    }
  };
  return { host, timers, fire };
}

describe("clock of a host", () => {
  it("reads the host's two times", () => {
    const clock = clockOf(manualHost().host);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_700_000_000_000, 17.5]);
  });

  it("rings when the timer fires, and not when it was cancelled before", () => {
    const { host, timers, fire } = manualHost();
    const clock = clockOf(host);
    const rung: string[] = [];
    clock.after(1_000, () => rung.push("first"));
    clock.after(1_000, () => rung.push("second"))();
    expect(timers.size).toBe(1);
    fire();
    expect(rung).toEqual(["first"]);
  });

  it("wakes when the timer fires, and lets go of the signal", async () => {
    const { host, fire } = manualHost();
    const abort = new AbortController();
    const sleep = clockOf(host).sleep(1_000, abort.signal);
    fire();
    await expect(sleep).resolves.toBeUndefined();
    abort.abort(new Error("too late"));
  });

  it("rejects with the signal's reason and leaves no timer behind", async () => {
    const { host, timers } = manualHost();
    const abort = new AbortController();
    const reason = new Error("stop");
    const sleep = clockOf(host).sleep(1_000, abort.signal);
    abort.abort(reason);
    await expect(sleep).rejects.toBe(reason);
    expect(timers.size).toBe(0);
    await expect(clockOf(host).sleep(1_000, abort.signal)).rejects.toBe(reason);
    expect(timers.size).toBe(0);
  });

  it("works on the real host", async () => {
    const clock = clockOf(globalThis);
    const startMs = clock.monotonicMs();
    await clock.sleep(5);
    expect(clock.monotonicMs()).toBeGreaterThan(startMs);
  });
});
