// Short stages, of milliseconds: each begins when the one before is over in both ways, and the last one alone ends the load.
import { expect, it } from "vitest";
import type { ChosenFault } from "../faults/fault.ts";
import { eventually } from "../kit/time/eventually.ts";
import { playStages } from "./stages.ts";

const chosen = (name: string): ChosenFault => {
  return { fault: { name, help: "", run: async () => ({ figures: {}, findings: [] }) }, count: 1 };
};
const going = new AbortController().signal;

it("gives each stage its time, waits for what its faults take beyond it, and ends the load with the last", async () => {
  const startMs = performance.now();
  const ends: number[] = [];
  const begun = new Map<string, number>();
  const slow = Promise.withResolvers<void>();
  const stages = [
    { seconds: 0.05, faults: [] },
    { seconds: 0.01, faults: [chosen("slow"), chosen("quick")] },
    { seconds: 0.03, faults: [chosen("last")] },
  ];
  const playing = playStages(
    stages,
    { startMs, endAfter: (ms) => void ends.push(ms) },
    async ({ fault }, times) => {
      begun.set(fault.name, times.startMs - startMs);
      if (fault.name === "slow") await slow.promise;
      return fault.name;
    },
    going,
  );
  await eventually("both of the second stage have begun", () => begun.has("slow") && begun.has("quick"));
  expect(begun.get("slow")).toBeGreaterThanOrEqual(49);
  expect(begun.get("quick")).toBe(begun.get("slow"));
  expect(ends).toEqual([]);
  slow.resolve();
  expect(await playing).toEqual(["slow", "quick", "last"]);
  const lastMs = begun.get("last") ?? 0;
  expect(lastMs).toBeGreaterThanOrEqual((begun.get("slow") ?? 0) + 9);
  expect(ends).toEqual([lastMs + 30]);
});

it("fails with a fault that fails", async () => {
  const stages = [
    { seconds: 0, faults: [chosen("bad")] },
    { seconds: 0, faults: [chosen("never")] },
  ];
  const begun: string[] = [];
  const playing = playStages(
    stages,
    { startMs: performance.now(), endAfter: () => {} },
    async ({ fault }) => {
      begun.push(fault.name);
      throw new Error("it cannot be broken");
    },
    going,
  );
  await expect(playing).rejects.toThrow("it cannot be broken");
  expect(begun).toEqual(["bad"]);
});
