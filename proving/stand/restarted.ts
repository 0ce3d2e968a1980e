// A part that has to come back while other things are broken too: core does not start without a bus, and says so.
import { setTimeout as sleep } from "node:timers/promises";
import type { Part } from "@mio/local/servers/part.ts";

const withinMs = 60_000;

/** Tries again while it does not come up; rejects with its last words after a minute. */
export async function restarted(part: Part, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await part.restart();
    } catch (error) {
      if (signal.aborted || performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}
