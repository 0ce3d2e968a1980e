// Work with a deadline: nobody waits longer, and the work itself goes on.
import type { Clock } from "./clock.ts";

/** What the work gives, or `late` when it has not ended within `ms`. Rejects only as the work does, and only in time. */
export async function within<Done, Late>(clock: Clock, ms: number, work: Promise<Done>, late: Late): Promise<Done | Late> {
  const { promise: overdue, resolve } = Promise.withResolvers<Late>();
  const cancel = clock.after(ms, () => resolve(late));
  try {
    return await Promise.race([work, overdue]);
  } finally {
    cancel();
  }
}
