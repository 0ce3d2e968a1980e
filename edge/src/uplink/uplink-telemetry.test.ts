// What an uplink tells, under a bus that is away, deaf or silent: every count once, gauges of the moment, and peace when nothing happens.
import type { EdgeTelemetry } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { decodeTelemetry, encodeTelemetry, requestsOf } from "@mio/shared/bus/wire/telemetry.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";
import { RequestCounts } from "../telemetry/request-counts.ts";
import { uplinkLimits } from "./limits.ts";
import { UplinkMeter } from "./meter.ts";
import type { UplinkStatus } from "./uplink.ts";
import { type ReportOutcome, UplinkTelemetry } from "./uplink-telemetry.ts";

const shard = { region: "eu", shard: 1 };

function setUp() {
  const clock = manualClock();
  const status = { connected: true, stuck: false, spoolRows: 0, spoolBytes: 0, spoolOldestAgeMs: 0, spoolAsideRows: 0 };
  const counters = {
    groupsPublished: 0,
    groupsSpooled: 0,
    eventsStored: 0,
    eventsRefused: 0,
    rowsDrained: 0,
    drainsFailed: 0,
    duplicatesOnRetry: 0,
    duplicatesOutsideRetry: 0,
  };
  const told: { atMs: number; subject: string; telemetry: EdgeTelemetry; answer: ReportOutcome | "none" }[] = [];
  const listeners: (() => void)[] = [];
  const bus = { connected: true, answer: "heard" as ReportOutcome | "none" };
  const startedMs = clock.monotonicMs();
  const meter = new UplinkMeter();
  const telemetry = new UplinkTelemetry({
    link: {
      get connected() {
        return bus.connected;
      },
      onChange: (listener) => void listeners.push(listener),
      report: (subject, body) => {
        const decoded = decodeTelemetry(body);
        if (decoded.kind !== "telemetry") throw new Error(decoded.kind);
        told.push({ atMs: clock.monotonicMs() - startedMs, subject, telemetry: decoded.telemetry, answer: bus.answer });
        return bus.answer === "none" ? new Promise(() => {}) : Promise.resolve(bus.answer);
      },
    },
    uplink: { status: () => ({ ...status, ...counters }) as UplinkStatus, meter },
    clock,
    limits: uplinkLimits,
    random: seededRandom(7),
  });
  const store = () => {
    counters.eventsStored += 1;
    counters.groupsPublished += 1;
    meter.grouped(1);
    meter.acknowledged(100, 4);
    telemetry.note(shard, gathered(1));
  };
  const setConnected = (connected: boolean) => {
    bus.connected = connected;
    for (const listener of listeners) listener();
  };
  /** As core counts: each sequence once. */
  const counted = () => {
    const heard = new Map(
      told.filter(({ answer }) => answer !== "unheard").map((each) => [each.telemetry.sequence, each.telemetry]),
    );
    const all = [...heard.values()];
    return {
      requests: all.flatMap((each) => each.requests).reduce((sum, each) => sum + requestsOf(each), 0),
      events: all.reduce((sum, { uplink }) => sum + (uplink?.eventsStored ?? 0), 0),
      bytes: all.reduce((sum, { uplink }) => sum + Number(uplink?.publishedBytes ?? 0), 0),
    };
  };
  return { clock, telemetry, status, counters, told, bus, store, setConnected, counted };
}

function gathered(requests: number): Uint8Array {
  const counts = new RequestCounts();
  for (let index = 0; index < requests; index += 1) counts.record("alpha", "accepted", 200, 5);
  return encodeTelemetry({ requests: counts.take() });
}

describe("an uplink's telemetry", () => {
  it("tells soon after a silence, then at most every 10 s, and nothing when nothing happens", async () => {
    const { clock, told, store, counted } = setUp();
    for (let second = 0; second < 60; second += 1) {
      store();
      await clock.advance(1_000);
    }
    await clock.advance(3_600_000);
    expect(counted()).toEqual({ requests: 60, events: 60, bytes: 6_000 });
    expect(told[0]).toMatchObject({ atMs: 1_000, subject: "mio.telemetry.eu.1", telemetry: { region: "eu", shard: 1 } });
    for (const [index, { atMs }] of told.entries())
      if (index > 0) expect(atMs - (told[index - 1]?.atMs ?? 0)).toBeGreaterThanOrEqual(10_000);
    expect(told.length).toBeLessThanOrEqual(8);
  });

  it("adds up what happens while the bus is away, and tells it once when it is back", async () => {
    const { clock, told, store, status, setConnected, counted } = setUp();
    store();
    await clock.advance(20_000);
    setConnected(false);
    status.spoolRows = 5;
    for (let minute = 0; minute < 60; minute += 1) {
      store();
      await clock.advance(60_000);
    }
    expect(told).toHaveLength(1);
    setConnected(true);
    await clock.advance(11_000);
    expect(counted()).toEqual({ requests: 61, events: 61, bytes: 6_100 });
    expect(told.at(-1)?.telemetry.uplink?.spoolRows).toBe(5n);
    // The drain is followed to its end, though nobody comes any more.
    status.spoolRows = 0;
    await clock.advance(60_000);
    expect(told.at(-1)?.telemetry.uplink?.spoolRows).toBe(0n);
    const messages = told.length;
    await clock.advance(3_600_000);
    expect(told).toHaveLength(messages);
  });

  it.each<ReportOutcome | "none">(["unheard", "unknown", "none"])(
    "repeats as it was what is %s, before anything newer",
    async (answer) => {
      const { clock, told, store, bus, counted } = setUp();
      bus.answer = answer;
      for (let second = 0; second < 30; second += 1) {
        store();
        await clock.advance(1_000);
      }
      expect(told.length).toBeGreaterThan(1);
      for (const { telemetry } of told) expect(telemetry).toEqual(told[0]?.telemetry);
      bus.answer = "heard";
      await clock.advance(20_000);
      expect(counted()).toEqual({ requests: 30, events: 30, bytes: 3_000 });
      expect(told.at(-1)?.telemetry.sequence).toBe(2n);
    },
  );

  it("gives up after some vain tries, so that an idle object is not kept awake, and goes on with the next request", async () => {
    const { clock, told, store, bus, counted } = setUp();
    bus.answer = "unheard";
    store();
    await clock.advance(3_600_000);
    const messages = told.length;
    expect(messages).toBeLessThanOrEqual(8);
    await clock.advance(3_600_000);
    expect(told).toHaveLength(messages);
    bus.answer = "heard";
    store();
    await clock.advance(2_000);
    expect(counted()).toEqual({ requests: 2, events: 2, bytes: 200 });
  });

  it("beats only when it is time, and is heard with nothing new", async () => {
    const { clock, telemetry, told, store } = setUp();
    telemetry.beat();
    await clock.advance(1_000);
    // It does not know yet whose it is.
    expect(told).toEqual([]);
    store();
    await clock.advance(30_000);
    for (let second = 0; second < 30; second += 1) {
      telemetry.beat();
      await clock.advance(1_000);
    }
    expect(told).toHaveLength(4);
    expect(told.at(-1)?.telemetry.requests).toEqual([]);
  });

  it("leaves out what an isolate sent that cannot be read", async () => {
    const { clock, telemetry, counted } = setUp();
    for (const bytes of [new Uint8Array([0xff]), new Uint8Array(300_000), gathered(0)]) telemetry.note(shard, bytes);
    telemetry.note(shard, gathered(3));
    await clock.advance(2_000);
    expect(counted().requests).toBe(3);
  });
});
