// Ends a wait for work: notified by whoever made some, in this process or, through Postgres NOTIFY, in another. One before the wait counts.
import { listen } from "../../db/listen.ts";
import type { ServiceContext } from "../../service.ts";

export interface Notifier {
  notify(): void;
  /** Resolves when notified, after `ms`, or when the signal is aborted; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** For one waiter at a time. */
export function createNotifier(): Notifier {
  let notified = false;
  let wake: (() => void) | undefined;
  return {
    notify: () => {
      notified = true;
      wake?.();
    },
    wait: (ms, signal) => {
      if (notified || signal.aborted || ms <= 0) {
        notified = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", finish);
          wake = undefined;
          notified = false;
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

/** Who listens to which channel. */
export interface Hub {
  /** Returns how to unsubscribe. */
  on(channel: Channel, listener: () => void): () => void;
  notify(channel: Channel): void;
}

/** A listener hears every notification of its channel until it unsubscribes. */
export function createHub(): Hub {
  const listeners: Record<Channel, Set<() => void>> = { queue: new Set(), outbox: new Set(), lease: new Set() };
  return {
    on: (channel, listener) => {
      listeners[channel].add(listener);
      return () => listeners[channel].delete(listener);
    },
    notify: (channel) => {
      for (const listener of listeners[channel]) listener();
    },
  };
}

/** Passes Postgres' notifications on to the hub until the signal is aborted. Holds one connection of the pool. */
export function listenForHub(context: ServiceContext, hub: Hub, signal: AbortSignal): Promise<void> {
  const names: readonly Channel[] = ["queue", "outbox", "lease"];
  const heard = (channel: string) => {
    for (const name of names) if (channels[name] === channel) hub.notify(name);
  };
  return listen(context, Object.values(channels), heard, signal);
}
