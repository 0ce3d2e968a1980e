// Hears Postgres NOTIFY for as long as it takes. Notifications are a convenience: whoever listens also polls.
import type { ServiceContext } from "../service.ts";

const reconnectMs = 500;

/**
 * Calls `heard` with the channel of each notification until the signal is aborted. A lost connection is made again, and then each
 * channel is told, for notifications may have been missed. Holds one connection of the pool; never rejects.
 */
export async function listen(
  { db, clock, log }: Pick<ServiceContext, "db" | "clock" | "log">,
  channels: readonly string[],
  heard: (channel: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const client = await db.connect();
      const lost = Promise.withResolvers<void>();
      client.on("notification", ({ channel }) => heard(channel));
      client.on("error", () => lost.resolve());
      client.once("end", () => lost.resolve());
      const stop = () => lost.resolve();
      signal.addEventListener("abort", stop, { once: true });
      try {
        for (const channel of channels) await client.query(`listen ${channel}`);
        for (const channel of channels) heard(channel);
        if (!signal.aborted) await lost.promise;
      } finally {
        signal.removeEventListener("abort", stop);
        // Destroyed, not returned: nobody else should hear what this connection listens to.
        client.release(true);
      }
    } catch (error) {
      log.warn({ err: error, channels }, "cannot listen to Postgres; polling goes on");
    }
    await clock.sleep(reconnectMs, signal).catch(() => {});
  }
}
