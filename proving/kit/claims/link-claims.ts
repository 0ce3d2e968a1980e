// What the link to the bus claims, whatever carries it: against a real nats-server, with a wire between them that can be cut. Run by the
// test of each carrier.

import type { NatsLink, NatsOptions } from "@mio/edge/uplink/nats-link.ts";
import type { Published } from "@mio/edge/uplink/ports.ts";
import { ingressSubject } from "@mio/shared/bus/names/subjects.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EdgeBus, edgeBus, edgeUser } from "../edge/bus.ts";
import type { Carrier } from "../edge/host.ts";
import { eventually } from "../time/eventually.ts";
import { type Wire, wireTo } from "../wire/wire.ts";

/** Registers the tests. */
export function linkClaims(carrier: Carrier, makeLink: (options: NatsOptions) => NatsLink): void {
  describe(`link over ${carrier.name}`, () => registerTests(carrier, makeLink));
}

function registerTests(carrier: Carrier, makeLink: (options: NatsOptions) => NatsLink): void {
  let bus: EdgeBus;
  let wire: Wire;
  let link: NatsLink;

  beforeEach(async () => {
    bus = await edgeBus();
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

  it("G1: fails what is in flight at once when the connection is lost", async () => {
    await connected();
    wire.spoil({ kind: "requests_swallowed" });
    const swallowed = wire.spoilt();
    const failed: Published[] = [];
    for (const id of ["m1", "m2"]) void link.publish(message(id)).then((published) => failed.push(published));
    await swallowed;
    wire.cut();
    // Nothing else would ever end them.
    await eventually("both have failed", () => failed.length === 2);
    for (const published of failed) expect(published).toMatchObject({ kind: "not_acknowledged", reason: "connection lost" });
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

  it("G2: gives up a connection that hangs once it is under suspicion, however much waits to be sent, and dials anew", {
    timeout: 40_000,
  }, async () => {
    await connected();
    wire.spoil({ kind: "hung" });
    // More than the kernel's buffers take, so that nothing can be sent off first.
    const body = new Uint8Array(1_000_000);
    const inFlight = Array.from({ length: 24 }, (_, index) => link.publish({ ...message(`big${index}`), body }));
    link.suspect();
    // Its own pings would find it after 15 s.
    await eventually("it is given up", () => !link.connected, 10_000);
    for (const published of await Promise.all(inFlight))
      expect(published).toMatchObject({ kind: "not_acknowledged", reason: "connection lost" });
    await connected();
    expect(await link.publish(message("after"))).toEqual({ kind: "acknowledged", duplicate: false });
  });

  it("lets a connection be that is under suspicion and answers", { timeout: 20_000 }, async () => {
    await using _relay = await bus.acknowledgeLate(() => 6_000);
    await connected();
    const slow = link.publish(message("m1"));
    link.suspect();
    expect(await slow).toEqual({ kind: "acknowledged", duplicate: false });
  });

  it("G1: takes no acknowledgement that comes late, over a new connection, for another publish", async () => {
    let delayMs = 1_500;
    await using _relay = await bus.acknowledgeLate(() => delayMs);
    await connected();
    const early = link.publish(message("m1"));
    await eventually("it is on its way back", async () => (await bus.stored()) === 1);
    wire.cut();
    expect(await early).toMatchObject({ kind: "not_acknowledged", reason: "connection lost" });
    wire.mend();
    await connected();
    delayMs = 4_000;
    const sentAtMs = performance.now();
    expect(await link.publish(message("m2"))).toEqual({ kind: "acknowledged", duplicate: false });
    expect(performance.now() - sentAtMs).toBeGreaterThan(3_500);
  });

  it("tells a full stream and a message that is too large for it from an unknown outcome", async () => {
    await connected();
    await bus.limitIngress({ max_msg_size: 100 });
    expect(await link.publish({ ...message("m1"), body: new Uint8Array(101) })).toMatchObject({
      kind: "refused",
      ofMessage: true,
    });
    expect(await link.publish({ ...message("m2"), body: new Uint8Array(2_000_000) })).toMatchObject({
      kind: "refused",
      ofMessage: true,
    });
    await bus.limitIngress({ max_msgs: 1 });
    expect(await link.publish(message("m3"))).toMatchObject({ kind: "acknowledged" });
    expect(await link.publish(message("m4"))).toMatchObject({ kind: "refused", ofMessage: false });
  });

  it("tries another server when one goes away", async () => {
    const other = await wireTo(carrier.portOf(bus.server));
    const urls = [wire, other].map(({ port }) => carrier.urlOf(port));
    const either = makeLink({ servers: urls, ...edgeUser, name: "either", clock: clockOf(globalThis), random: seededRandom(3) });
    try {
      for (const [index, gone] of [wire, other, wire].entries()) {
        gone.cut();
        await eventually("it is connected by the other one", () => either.connected && gone.connections === 0);
        const sent = eventually("it is acknowledged", async () => {
          const published = await either.publish(message(`m${index}`));
          return published.kind === "acknowledged";
        });
        expect(await sent).toBe(true);
        gone.mend();
      }
    } finally {
      await either.close();
      await other[Symbol.asyncDispose]();
    }
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
