// dedup as a real process, paused by SIGSTOP for longer than its lease between the last look at ownership and the write: it wakes with the
// write in its hands, and only the broker can refuse it.

import { inboundSubjectOf, sendEvents, sourcesOn } from "@mio/proving/kit/core/ingress.ts";
import {
  bus,
  events,
  inbound,
  nats,
  sources,
  start,
  startChild,
  untilSettled,
  useStand,
  windowPassed,
} from "@mio/proving/kit/dedup/stand.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { lastMessageOf } from "@mio/shared/bus/client/jetstream-api.ts";
import { expect, it } from "vitest";

useStand();

/** How many processes say that they live. */
async function replicas(): Promise<number> {
  const found = await lastMessageOf(bus, "KV_mio_positions", "$KV.mio_positions.dedup.replicas", 2_000);
  return found ? Object.keys(JSON.parse(new TextDecoder().decode(found.data))).length : 0;
}

it("G3, G4: what it was about to write is refused when it wakes, and everything stands there once and in order", async () => {
  const sleeper = startChild("dedup.writing:pause:5");
  await eventually("the child to read", async () => (await replicas()) === 1);
  await sendEvents(nats, events("a", 20));
  await eventually("the child to be paused", () => sleeper.paused());
  await start();
  await untilSettled(20);
  await eventually("the child to be given up", async () => (await replicas()) === 1);
  await windowPassed();
  sleeper.signal("SIGCONT");
  // It says so on the connection that carries its write, behind it.
  await eventually("the child to live again", async () => (await replicas()) === 2);
  await sendEvents(nats, events("a", 5, 21));
  await untilSettled(25);
  expect(await sourcesOn(bus, inbound, inboundSubjectOf("a"))).toEqual(sources("a", 25));
  expect(sleeper.running()).toBe(true);
});
