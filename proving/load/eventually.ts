// Waits for something to become true, in a run that goes on beside it.
import { setTimeout as sleep } from "node:timers/promises";

/** How long it took, in milliseconds; undefined when it did not within `withinMs`. */
export async function eventually(holds: () => Promise<boolean>, withinMs: number): Promise<number | undefined> {
  const startMs = performance.now();
  while (performance.now() - startMs < withinMs) {
    if (await holds()) return Math.round(performance.now() - startMs);
    await sleep(100);
  }
  return undefined;
}
