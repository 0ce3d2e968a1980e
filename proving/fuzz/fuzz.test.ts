// Every inbound route of the app under hostile requests: the corpus, and thousands of drawn ones. MIO_SEED draws others; `npm run fuzz` does
// it for longer, and on whole hosts.

import { forgers } from "@mio/shared/channels/conformance/forgers.ts";
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appTarget } from "./app-target.ts";
import { corpus } from "./corpus.ts";
import { hostileCases } from "./draw/cases.ts";
import { type HostileTarget, judged } from "./target.ts";

const drawn = 8_000;

describe("hostile requests to the app", () => {
  let target: HostileTarget;
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);

  beforeAll(async () => {
    target = await appTarget();
    process.on("unhandledRejection", note);
  });
  afterAll(() => void process.off("unhandledRejection", note));

  it("know every channel that has a door", () => {
    expect(forgers.map(({ channelType }) => channelType).sort()).toEqual(inboundDoors.map(({ channel }) => channel.slug).sort());
  });

  it.each(corpus)("G11: corpus %s", async (_, hostile) => {
    expect((await judged(target, hostile)).complaint).toBeUndefined();
  });

  it("G11: refuses signatures made more than five minutes before or after our time, and takes no event's day from our clock", async () => {
    const skewed = corpus.filter(([name]) => name.startsWith("clock-skew "));
    expect(skewed.length).toBeGreaterThan(20);
    for (const [name, hostile] of skewed) {
      const { seen, complaint } = await judged(target, hostile);
      const fresh = Math.abs(hostile.sign?.skewSeconds ?? 0) <= 300;
      expect([name, complaint, seen?.status, seen?.stored.map(({ eventDay }) => eventDay)]).toEqual([
        name,
        undefined,
        fresh ? 200 : 401,
        fresh ? [hostile.eventDay] : [],
      ]);
    }
  });

  it("G11: no 5xx, no forgery accepted, nothing genuine refused, nothing told in the log", async () => {
    const property = fc.asyncProperty(hostileCases(), async (hostile) => {
      expect((await judged(target, hostile)).complaint).toBeUndefined();
    });
    await fc.assert(property, { numRuns: drawn, ...(process.env.MIO_SEED ? { seed: Number(process.env.MIO_SEED) } : {}) });
    expect(unhandled).toEqual([]);
  });
});
