// Which edges bring an account's events. Admin waits for these when the account is moved. Written before an event is published, and then once
// an hour at most.
import type { Pool } from "pg";
import { insertEdges } from "../accounts/layouts.ts";
import type { PlannedEvent } from "./plan.ts";

const againAfterMs = 3_600_000;
const rememberedMax = 50_000;

export type NoteEdges = (events: readonly PlannedEvent[]) => Promise<void>;

/** What it returns rejects when the database fails. */
export function createNoteEdges(db: Pool, nowMs: () => number): NoteEdges {
  const notedAtMs = new Map<string, number>();
  return async (events) => {
    const due = new Map<string, { accountId: string; edge: string }>();
    for (const { key, edge } of events) {
      const pair = `${key.accountId} ${edge}`;
      if (edge !== "" && nowMs() - (notedAtMs.get(pair) ?? Number.NEGATIVE_INFINITY) >= againAfterMs)
        due.set(pair, { accountId: key.accountId, edge });
    }
    if (due.size === 0) return;
    // Sorted, so that two owners never wait for each other in a circle.
    const sorted = [...due].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
    await insertEdges(db, sorted);
    if (notedAtMs.size > rememberedMax) notedAtMs.clear();
    for (const pair of due.keys()) notedAtMs.set(pair, nowMs());
  };
}
