// How long something takes, in a run that goes on beside it: a figure, and a finding when it does not happen.
import { eventually } from "../kit/time/eventually.ts";

/** In milliseconds; undefined when it did not become true within `withinMs`. */
export async function msUntil(what: string, holds: () => Promise<boolean>, withinMs: number): Promise<number | undefined> {
  const startMs = performance.now();
  const happened = await eventually(what, holds, withinMs).catch(() => false);
  return happened ? Math.round(performance.now() - startMs) : undefined;
}
