// What an isolate counted reaches an uplink once: with what is stored, or by itself a while after, and never in the way of a request.

import { type ManualClock, manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { decodeTelemetry, requestsOf } from "@mio/shared/bus/wire/telemetry.ts";
import { describe, expect, it } from "vitest";
import { uplinkLimits } from "../uplink/limits.ts";
import { IsolateTelemetry } from "./isolate-telemetry.ts";

function setUp() {
  const clock = manualClock();
  const reports: { atMs: number; requests: number }[] = [];
  const startedMs = clock.monotonicMs();
  let fails = false;
  let running = 0;
  const telemetry = new IsolateTelemetry({
    clock,
    telemetryEveryMs: uplinkLimits.telemetryEveryMs,
    report: async (bytes) => {
      if (fails) throw new Error("the uplink is away");
      reports.push({ atMs: clock.monotonicMs() - startedMs, requests: requestsIn(bytes) });
    },
    afterwards: (work) => {
      running += 1;
      void work.finally(() => {
        running -= 1;
      });
    },
  });
  const refuse = () => telemetry.record("alpha", "refused", 401, 2);
  const total = () => reports.reduce((sum, { requests }) => sum + requests, 0);
  const setFails = (value: boolean) => {
    fails = value;
  };
  return { clock, telemetry, reports, refuse, total, setFails, running: () => running };
}

function requestsIn(bytes: Uint8Array | undefined): number {
  if (!bytes) return 0;
  const decoded = decodeTelemetry(bytes);
  return decoded.kind === "telemetry" ? decoded.telemetry.requests.reduce((sum, each) => sum + requestsOf(each), 0) : Number.NaN;
}

describe("an isolate's telemetry", () => {
  it("reports soon after a silence, then at most every 10 s, and has nothing under way when nothing came", async () => {
    const { clock, reports, refuse, total, running } = setUp();
    for (let second = 0; second < 60; second += 1) {
      refuse();
      await clock.advance(1_000);
    }
    await clock.advance(60_000);
    expect(total()).toBe(60);
    expect(reports[0]?.atMs).toBe(1_000);
    for (const [index, { atMs }] of reports.entries())
      if (index > 0) expect(atMs - (reports[index - 1]?.atMs ?? 0)).toBeGreaterThanOrEqual(10_000);
    expect(reports.length).toBeLessThanOrEqual(8);
    expect(running()).toBe(0);
  });

  it("goes with what is stored, so that an isolate that stores all the time makes few calls of its own", async () => {
    const { clock, telemetry, reports, refuse, total } = setUp();
    let carried = 0;
    for (let second = 0; second < 100; second += 1) {
      await telemetry.carriedBy(async (bytes) => {
        carried += requestsIn(bytes);
      });
      refuse();
      await clock.advance(1_000);
    }
    await clock.advance(30_000);
    expect(carried + total()).toBe(100);
    expect(carried).toBeGreaterThan(60);
    expect(reports.length).toBeLessThanOrEqual(7);
  });

  it("keeps what did not arrive, and fails the request by nothing of its own", async () => {
    const { clock, telemetry, refuse, total, setFails } = setUp();
    setFails(true);
    refuse();
    await clock.advance(30_000);
    const lost = telemetry.carriedBy(() => Promise.reject(new Error("the object was replaced")));
    await expect(lost).rejects.toThrow("the object was replaced");
    setFails(false);
    refuse();
    await clock.advance(30_000);
    expect(total()).toBe(2);
  });

  it("reports again after a report was lost together with its request", async () => {
    const clock = manualClock();
    const lost: Promise<void>[] = [];
    let reports = 0;
    const telemetry = new IsolateTelemetry({
      // Of the first request, whose timers end with it.
      clock: { ...clockOf(clock), sleep: (ms) => (lost.length === 0 ? new Promise(() => {}) : clock.sleep(ms)) },
      telemetryEveryMs: uplinkLimits.telemetryEveryMs,
      report: async () => {
        reports += 1;
      },
      afterwards: (work) => void lost.push(work),
    });
    for (let second = 0; second < 60; second += 1) {
      telemetry.record("alpha", "refused", 401, 1);
      await clock.advance(1_000);
    }
    await clock.advance(30_000);
    expect(reports).toBeGreaterThan(0);
  });
});

function clockOf(clock: ManualClock) {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (ms: number, ring: () => void) => clock.after(ms, ring),
  };
}
