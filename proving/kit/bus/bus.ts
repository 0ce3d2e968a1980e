// A Bus on a real client, and streams to try things on, for the tests of this folder and of core.

import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { buckets } from "@mio/shared/bus/names/streams.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { headers, type NatsConnection } from "./client.ts";
import { connectTo } from "./connection.ts";

export interface TestBus extends AsyncDisposable {
  nats: NatsConnection;
  bus: Bus;
}

/** Connects with an inbox prefix of its own, as every process does. */
export async function testBus(url: string | string[]): Promise<TestBus> {
  const inboxPrefix = "_INBOX_test";
  const nats = await connectTo(url, { inboxPrefix });
  return {
    nats,
    bus: busOf(nats, inboxPrefix),
    [Symbol.asyncDispose]: async () => {
      await nats.close();
    },
  };
}

/** Also the proof that a real client fits the port without a cast. */
export function busOf(nats: NatsConnection, inboxPrefix: string): Bus {
  return { connection: nats, headers, inboxPrefix, clock: clockOf(globalThis), random: randomOf(globalThis.crypto) };
}

/** A file stream with direct gets, as the provisioner makes them, and the bucket of positions. */
export async function makeStream(nats: NatsConnection, name: string, subjects: string[]): Promise<void> {
  const manager = await nats.jetstreamManager();
  await manager.streams.add({ name, subjects, allow_direct: true, max_bytes: 512 * 1024 ** 2 });
  await nats.jetstream().views.kv(buckets.positions.name, { allow_direct: true, max_bytes: 1024 ** 2 });
}
