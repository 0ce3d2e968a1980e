// A bell that ends a wait: rung by whoever made work, in this process or, through Postgres NOTIFY, in another. A ring before the wait counts.
import { listen } from "../../db/listen.ts";
import type { ServiceContext } from "../../service.ts";

export interface Bell {
  ring(): void;
  /** Resolves when rung, after `ms`, or when the signal is aborted; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** For one waiter at a time. */
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
type Channel = keyof typeof channels;

/** Who is told of what. */
export interface Hub {
  /** Returns what ends it. */
  on(channel: Channel, ring: () => void): () => void;
  ring(channel: Channel): void;
}

/** Whoever listens hears every ring until it takes itself off. */
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

/** Tells the hub of notifications until the signal is aborted. Holds one connection of the pool. */
export function listenForHub(context: ServiceContext, hub: Hub, signal: AbortSignal): Promise<void> {
  const names: readonly Channel[] = ["queue", "outbox", "lease"];
  const heard = (channel: string) => {
    for (const name of names) if (channels[name] === channel) hub.ring(name);
  };
  return listen(context, Object.values(channels), heard, signal);
}
