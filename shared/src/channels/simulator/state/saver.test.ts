import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { expect, it } from "vitest";
import { createSaver, saveIntervalMs } from "./saver.ts";

it("reports a save that failed at once, and tries it again", async () => {
  const clock = manualClock();
  const reported: unknown[] = [];
  const stored: string[] = [];
  let full = true;
  const saver = createSaver(
    clock,
    async () => "the state",
    async (state) => {
      if (full) throw new Error("no space left");
      stored.push(state);
    },
    (error) => reported.push(error),
  );
  saver.changed();
  await clock.advance(saveIntervalMs);
  expect(reported.map(String)).toEqual(["Error: no space left"]);
  full = false;
  await clock.advance(saveIntervalMs);
  expect(stored).toEqual(["the state"]);
  const closing = saver.close();
  await clock.advance(saveIntervalMs);
  await closing;
  expect(reported).toHaveLength(1);
});
