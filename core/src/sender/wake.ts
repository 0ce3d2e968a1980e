// A bell that ends a wait: rung by whoever made work, in this process or, through Postgres NOTIFY, in another. A ring before the wait counts.
import type { ServiceContext } from "../service.ts";

export interface Bell {
  ring(): void;
  /** Resolves when rung, after `ms`, or when the signal is aborted; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    wait: (ms, signal) => {
      if (rung || signal.aborted || ms <= 0) {
        rung = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", finish);
          wake = undefined;
          rung = false;
          resolve();
        };
        const timer = setTimeout(finish, Math.min(ms, longestTimerMs));
        signal.addEventListener("abort", finish, { once: true });
        wake = finish;
      });
    },
  };
}

/** setTimeout wraps around past 31 bits. */
const longestTimerMs = 2 ** 31 - 1;

/** NOTIFY channels of the sender. */
export const channels = { queue: "mio_sender_queue", outbox: "mio_sender_outbox", lease: "mio_sender_lease" } as const;
export type Channel = keyof typeof channels;

/** Who is told of what. */
export interface Hub {
  /** Returns what ends it. */
  on(channel: Channel, ring: () => void): () => void;
  ring(channel: Channel): void;
}

export function createHub(): Hub {
  const rings: Record<Channel, Set<() => void>> = { queue: new Set(), outbox: new Set(), lease: new Set() };
  return {
    on: (channel, ring) => {
      rings[channel].add(ring);
      return () => rings[channel].delete(ring);
    },
    ring: (channel) => {
      for (const ring of rings[channel]) ring();
    },
  };
}

const reconnectMs = 500;

/**
 * Tells the hub of notifications until the signal is aborted. A lost connection is made again, and then everything is rung, for
 * notifications may have been missed. Holds one connection of the pool.
 */
export async function listen(context: ServiceContext, hub: Hub, signal: AbortSignal): Promise<void> {
  const names: Channel[] = ["queue", "outbox", "lease"];
  while (!signal.aborted) {
    try {
      const client = await context.db.connect();
      const lost = Promise.withResolvers<void>();
      client.on("notification", ({ channel }) => {
        for (const name of names) if (channels[name] === channel) hub.ring(name);
      });
      client.on("error", () => lost.resolve());
      client.once("end", () => lost.resolve());
      const stop = () => lost.resolve();
      signal.addEventListener("abort", stop, { once: true });
      try {
        for (const name of names) await client.query(`listen ${channels[name]}`);
        for (const name of names) hub.ring(name);
        if (!signal.aborted) await lost.promise;
      } finally {
        signal.removeEventListener("abort", stop);
        // Destroyed, not returned: nobody else should hear what this connection listens to.
        client.release(true);
      }
    } catch (error) {
      context.log.warn({ err: error }, "the sender cannot listen to Postgres; it polls meanwhile");
    }
    await context.clock.sleep(reconnectMs, signal).catch(() => {});
  }
}
