// The spool with its bounds: a row is refused before it is written when rows, bytes or the age of the oldest are at their limit.
// Nothing is ever dropped to make room; with a full spool the platform is answered 503.
import type { Clock } from "@mio/shared/clock.ts";
import type { UplinkLimits } from "./limits.ts";
import type { GroupMessage, Spool } from "./ports.ts";

export type Appended = { kind: "committed" } | { kind: "refused"; reason: "spool_full" | "storage_failed" };

/** Resolves with `committed` only once the row is on disk (G1). Never rejects. */
export async function appendWithin(spool: Spool, message: GroupMessage, limits: UplinkLimits, clock: Clock): Promise<Appended> {
  const { oldestAtMs, asideRows, asideBytes } = spool.state;
  const rows = spool.state.rows + asideRows;
  const bytes = spool.state.diskBytes ?? spool.state.bytes + asideBytes;
  const tooOld = oldestAtMs !== undefined && clock.nowMs() - oldestAtMs >= limits.spoolAgeMaxMs;
  if (rows >= limits.spoolRowsMax || bytes + message.body.length > limits.spoolBytesMax || tooOld)
    return { kind: "refused", reason: "spool_full" };
  try {
    await spool.append(message);
    return { kind: "committed" };
  } catch {
    // Also how an object learns that another one has replaced it.
    return { kind: "refused", reason: "storage_failed" };
  }
}
