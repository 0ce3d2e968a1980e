// What the edge says of itself, as far as faults look at it.
import * as v from "valibot";

const health = v.object({
  directory: v.optional(
    v.object({ open_failures: v.number(), unreadable: v.number(), refused: v.number(), entries: v.number() }),
  ),
  shards: v.array(v.object({ status: v.optional(v.object({ spool_rows: v.number(), events_refused: v.number() })) })),
});

export interface EdgeHealth {
  /** Values of the directory's bucket that were passed over: moved, changed, forged, too old or unreadable. */
  passedOver: number;
  routes: number;
  spoolRows: number;
  eventsRefused: number;
}

/** Undefined when the edge does not answer within two seconds. */
export async function edgeHealth(edgeUrl: string): Promise<EdgeHealth | undefined> {
  const response = await fetch(`${edgeUrl}/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  if (!response) return undefined;
  const { directory, shards } = v.parse(health, await response.json());
  const sum = (of: "spool_rows" | "events_refused") => shards.reduce((all, { status }) => all + (status?.[of] ?? 0), 0);
  return {
    passedOver: directory ? directory.open_failures + directory.unreadable + directory.refused : 0,
    routes: directory?.entries ?? 0,
    spoolRows: sum("spool_rows"),
    eventsRefused: sum("events_refused"),
  };
}
