// The stages of a run, one after the other: the load plays on through all of them and ends with the last second of the last one.
import { setTimeout as sleep } from "node:timers/promises";
import type { ChosenFault } from "../faults/fault.ts";
import type { Load } from "../load/load.ts";

/** The load goes on for so long, and for as long as the stage's faults take; of the last stage, for exactly so long. */
export interface Stage {
  seconds: number;
  /** Side by side. */
  faults: readonly ChosenFault[];
}

/** When a stage began, of `performance.now()`, and for how long it is meant to be. */
export interface StageTimes {
  startMs: number;
  seconds: number;
}

/** `strike` carries out one fault. Resolves with what each came to when all are over; says to the load when to end. */
export async function playStages<Strike>(
  stages: readonly Stage[],
  load: Pick<Load, "startMs" | "endAfter">,
  strike: (chosen: ChosenFault, times: StageTimes) => Promise<Strike>,
  signal: AbortSignal,
): Promise<Strike[]> {
  const strikes: Strike[] = [];
  let { startMs } = load;
  for (const [index, { seconds, faults }] of stages.entries()) {
    const last = index === stages.length - 1;
    if (last) load.endAfter(startMs - load.startMs + seconds * 1_000);
    const times = { startMs, seconds };
    strikes.push(...(await Promise.all(faults.map((chosen) => strike(chosen, times)))));
    if (!last) await until(startMs + seconds * 1_000, signal);
    startMs = performance.now();
  }
  return strikes;
}

/** Not a moment before, as a timer may be by the clock that stages are measured with. */
async function until(endMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  for (let leftMs = endMs - performance.now(); leftMs > 0; leftMs = endMs - performance.now())
    await sleep(Math.ceil(leftMs), undefined, { signal });
}
