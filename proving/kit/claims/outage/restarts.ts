// When a server, a connection or the host itself goes away.
import { expect, it } from "vitest";
import type { HostKind } from "../../edge/host.ts";
import { eventually } from "../../time/eventually.ts";
import { wireTo } from "../../wire/wire.ts";
import { names, type OutageStage, text } from "./stage.ts";

/** Registers the tests. */
export function restartClaims(at: () => OutageStage, kind: HostKind): void {
  it("G2: goes on with another server of its list when one goes away", { timeout: 60_000 }, async () => {
    const { bus, host, busLooks, sayInOrder, seen, spooled, start, wire } = at();
    const other = await wireTo(kind.carrier.portOf(bus.server));
    try {
      await host().stop();
      await start({ busUrl: [wire, other].map(({ port }) => kind.carrier.urlOf(port)).join(", ") });
      for (const [index, gone] of [wire, other, wire].entries()) {
        gone.cut();
        await sayInOrder("room", names(`${index}.`, 3));
        await eventually("the spool is empty", async () => (await spooled()) === 0 && (await busLooks()) === "answering");
        gone.mend();
      }
      expect(await seen("room")).toEqual([0, 1, 2].flatMap((index) => names(`${index}.`, 3)));
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  it("G2: drains what was spooled before the host was killed, by its alarm alone, also when that rang in vain before", async () => {
    const { host, sayInOrder, seen, spooled, start, wire } = at();
    await sayInOrder("room", ["before"]);
    wire.cut();
    await sayInOrder("room", names("during", 5));
    await host().kill();
    // The alarm rings while the bus is still away, so only an alarm that was armed again can do the rest.
    await start();
    await eventually("the alarm rang and set the next", () =>
      host().lines.some((line) => line.includes('"event":"uplink_woke"')),
    );
    await host().kill();
    wire.mend();
    await start();
    await eventually("all have arrived", async () => (await seen("room")).length === 6);
    expect(await seen("room")).toEqual(["before", ...names("during", 5)]);
    expect(await spooled()).toBe(0);
  });

  it("G1: fails what is in flight at once when the connection is lost, and spools it", async () => {
    const { host, say, sayInOrder, seen, start, wire } = at();
    await host().stop();
    // Whoever waited for the uplink's deadline would be answered 503 before.
    const uplinkLimits = { deadlineMs: 60_000, drainDeadlineMs: 60_000 };
    await start({ uplinkLimits });
    await sayInOrder("room", ["before"]);
    wire.spoil({ kind: "requests_swallowed" });
    const swallowed = wire.spoilt();
    const answered = say([text("room", "in flight")]);
    await swallowed;
    wire.cut();
    expect(await answered).toBe(200);
    wire.mend();
    await eventually("it has arrived", async () => (await seen("room")).includes("in flight"));
  });
}
