// What the link to the bus claims, whatever carries it: against a real nats-server, with a wire between them that can be cut. Run by the
// test of each carrier.

import { ingressSubject } from "@mio/shared/bus/subjects.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NatsLink, NatsOptions } from "../uplink/nats-link.ts";
import { edgeUser, type TestBus, testBus } from "./bus.ts";
import { eventually } from "./eventually.ts";
import type { Carrier } from "./host.ts";
import { type Wire, wireTo } from "./proxy.ts";

/** Registers the tests. */
export function linkClaims(carrier: Carrier, makeLink: (options: NatsOptions) => NatsLink): void {
  describe(`link over ${carrier.name}`, () => registerTests(carrier, makeLink));
}

function registerTests(carrier: Carrier, makeLink: (options: NatsOptions) => NatsLink): void {
  let bus: TestBus;
  let wire: Wire;
  let link: NatsLink;

  beforeEach(async () => {
    bus = await testBus();
    wire = await wireTo(carrier.portOf(bus.server));
    link = open("link-test", 1);
  });

  afterEach(async () => {
    await link.close();
    await wire[Symbol.asyncDispose]();
    await bus[Symbol.asyncDispose]();
  });

  // Not a group: what the stream holds is of no interest here.
  const message = (messageId: string, subject = ingressSubject("eu", 0)) => ({
    subject,
    messageId,
    body: new TextEncoder().encode(messageId),
  });
  const open = (name: string, seed: number) =>
    makeLink({
      servers: [carrier.urlOf(wire.port)],
      ...edgeUser,
      name,
      clock: clockOf(globalThis),
      random: seededRandom(seed),
    });
  const connected = () => eventually("the link connects", () => link.connected);

  it("tells acknowledged from duplicate", async () => {
    await connected();
    expect(await link.publish(message("m1"))).toEqual({ kind: "acknowledged", duplicate: false });
    expect(await link.publish(message("m1"))).toEqual({ kind: "acknowledged", duplicate: true });
  });

  it("G1: does not take for acknowledged what no stream holds", async () => {
    await connected();
    await bus.deleteIngress();
    expect(await link.publish(message("m1"))).toMatchObject({ kind: "not_acknowledged" });
  });

  it("G1: fails what is in flight at once when the connection is lost", { timeout: 15_000 }, async () => {
    await connected();
    const swallowed = wire.swallow();
    const inFlight = [link.publish(message("m1")), link.publish(message("m2"))];
    await swallowed;
    const cutAtMs = performance.now();
    wire.cut();
    for (const published of await Promise.all(inFlight))
      expect(published).toMatchObject({ kind: "not_acknowledged", reason: "connection lost" });
    expect(performance.now() - cutAtMs).toBeLessThan(5_000);
    expect(link.connected).toBe(false);
    expect(await link.publish(message("m3"))).toMatchObject({ kind: "not_acknowledged", reason: "not connected" });
  });

  it("connects again by itself and says so, however often the wire breaks", async () => {
    const changes: boolean[] = [];
    link.onChange(() => changes.push(link.connected));
    await connected();
    for (const round of ["a", "b"]) {
      wire.cut();
      await eventually("the loss is noticed", () => !link.connected);
      wire.mend();
      await connected();
      expect(await link.publish(message(round))).toEqual({ kind: "acknowledged", duplicate: false });
    }
    expect(changes.slice(-4)).toEqual([false, true, false, true]);
  });

  it("connects to a bus that comes up after it", async () => {
    wire.cut();
    const late = open("late", 2);
    await late.tried;
    expect(late.connected).toBe(false);
    wire.mend();
    await eventually("the link connects", () => late.connected);
    await late.close();
  });

  it("may publish nothing but ingress, and that is not acknowledged either", async () => {
    await connected();
    const refused = link.publish(message("m1", "mio.inbound.alpha.a.c"));
    // The server says so beside the protocol, so only a deadline or the end of the connection ends the wait.
    await link.publish(message("m2"));
    wire.cut();
    expect(await refused).toMatchObject({ kind: "not_acknowledged" });
  });
}
