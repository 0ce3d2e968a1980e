// While the bus is dead, silent or slow: the spool answers, and brings everything in order once it is back.
import { expect, it } from "vitest";
import { eventually } from "../../time/eventually.ts";
import { names, type OutageStage } from "./stage.ts";

/** Registers the tests. */
export function busAwayClaims(at: () => OutageStage): void {
  it("G2, G4: answers from the spool while the bus is killed, and brings all to it in order once it is back", async () => {
    const { bus, sayInOrder, seen, spooled } = at();
    await sayInOrder("room", names("before", 5));
    await bus.server.kill();
    await sayInOrder("room", names("during", 20));
    expect(await spooled()).toBeGreaterThan(0);
    await bus.server.restart();
    await sayInOrder("room", names("after", 10));
    await eventually("the spool is empty", async () => (await spooled()) === 0);
    expect(await seen("room")).toEqual([...names("before", 5), ...names("during", 20), ...names("after", 10)]);
    expect((await bus.arrived()).filter(({ group }) => group.spooled).length).toBeGreaterThan(0);
  });

  it("G1, G4: answers in time while the bus is paused, and keeps the order when it goes on", async () => {
    const { bus, sayInOrder, seen, spooled } = at();
    await sayInOrder("room", names("before", 3));
    bus.server.pause();
    await sayInOrder("room", names("during", 8));
    bus.server.resume();
    await sayInOrder("room", names("after", 5));
    await eventually("the spool is empty", async () => (await spooled()) === 0);
    expect(await seen("room")).toEqual([...names("before", 3), ...names("during", 8), ...names("after", 5)]);
  });

  it("G2, G4: finds a connection that hangs, answers from the spool meanwhile, and drains over a new one", {
    timeout: 60_000,
  }, async () => {
    const { busLooks, sayInOrder, seen, spooled, wire } = at();
    await sayInOrder("room", names("before", 3));
    wire.spoil({ kind: "hung" });
    await sayInOrder("room", names("during", 10));
    expect(await busLooks()).toBe("silent");
    // Idle, it would be found by its pings only after 15 s; but somebody has waited in vain.
    await eventually("the spool is empty", async () => (await spooled()) === 0, 12_000);
    await sayInOrder("room", names("after", 3));
    expect(await busLooks()).toBe("answering");
    expect(await seen("room")).toEqual([...names("before", 3), ...names("during", 10), ...names("after", 3)]);
  });

  it("G2, G4: answers in time while acknowledgements come late, and drains over the slow bus", { timeout: 60_000 }, async () => {
    const { bus, busLooks, sayInOrder, seen, spooled, statuses } = at();
    let delayMs = 1_500;
    await using _relay = await bus.acknowledgeLate(() => delayMs);
    await sayInOrder("room", names("slow", 12));
    expect(["silent", "slow"]).toContain(await busLooks());
    await eventually("the bus is known to be slow, not dead", async () => (await busLooks()) === "slow");
    await eventually("the spool is empty", async () => (await spooled()) === 0, 30_000);
    expect((await statuses()).reduce((sum, { rows_drained }) => sum + rows_drained, 0)).toBeGreaterThan(0);
    delayMs = 0;
    await sayInOrder("room", names("quick", 3));
    await eventually("the bus is quick again", async () => (await spooled()) === 0 && (await busLooks()) === "answering");
    expect(await seen("room")).toEqual([...names("slow", 12), ...names("quick", 3)]);
  });

  it("G2, G4: answers in time while the bus passes everything on and its acknowledgements are lost", {
    timeout: 60_000,
  }, async () => {
    const { bus, busLooks, sayInOrder, seen, spooled } = at();
    let delayMs = Number.POSITIVE_INFINITY;
    await using _relay = await bus.acknowledgeLate(() => delayMs);
    await sayInOrder("room", names("lost", 8));
    expect(await busLooks()).toBe("silent");
    delayMs = 0;
    await eventually("the spool is empty", async () => (await spooled()) === 0, 30_000);
    expect(await seen("room")).toEqual(names("lost", 8));
  });
}
