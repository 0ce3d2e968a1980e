// What a host claims of hostile requests, over real sockets and with a real bus: the whole corpus, and some hundred drawn ones.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostKind } from "../kit/edge/host.ts";
import { corpus } from "./corpus.ts";
import { hostileCases } from "./draw/cases.ts";
import { hostTarget } from "./host-target.ts";
import { type HostileTarget, judged } from "./target.ts";

const drawn = 400;

/** Registers the tests. */
export function hostileClaims(kind: HostKind): void {
  describe(`${kind.name} under hostile requests`, () => {
    let target: HostileTarget;

    beforeAll(async () => {
      target = await hostTarget(kind);
    });
    afterAll(() => target?.[Symbol.asyncDispose]());

    it.each(corpus)("G11: corpus %s", async (_, hostile) => {
      expect((await judged(target, hostile)).complaint).toBeUndefined();
    });

    it("G11: no 5xx, no forgery accepted, nothing genuine refused, nothing told in the log", { timeout: 120_000 }, async () => {
      const property = fc.asyncProperty(hostileCases(), async (hostile) => {
        expect((await judged(target, hostile)).complaint).toBeUndefined();
      });
      await fc.assert(property, { numRuns: drawn, ...(process.env.MIO_SEED ? { seed: Number(process.env.MIO_SEED) } : {}) });
    });
  });
}
