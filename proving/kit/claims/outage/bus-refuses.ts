// While the bus answers, and takes no more: nothing is in the way of what it does take.
import { expect, it } from "vitest";
import { eventually } from "../../time/eventually.ts";
import { names, type OutageStage, text } from "./stage.ts";

/** Registers the tests. */
export function busRefusesClaims(at: () => OutageStage): void {
  it("G2, G4: spools while the stream is full, says why, and drains once it takes more", { timeout: 60_000 }, async () => {
    const { bus, sayInOrder, seen, spooled, statuses } = at();
    await sayInOrder("room", ["before"]);
    await bus.limitIngress({ max_msgs: 1 });
    await sayInOrder("room", names("full", 6));
    await eventually("its reason is told", async () =>
      (await statuses()).some(({ bus_reason }) => /maximum messages/.test(bus_reason ?? "")),
    );
    await bus.limitIngress({ max_msgs: -1 });
    await eventually("the spool is empty", async () => (await spooled()) === 0);
    expect(await seen("room")).toEqual(["before", ...names("full", 6)]);
  });

  it("G2: sets aside what is too large for the bus, takes the rest to it, and tries again when it is started anew", {
    timeout: 60_000,
  }, async () => {
    const { bus, host, say, sayInOrder, seen, spooled, start, statuses } = at();
    await sayInOrder("room", ["before"]);
    await bus.limitIngress({ max_msg_size: 3_000 });
    expect(await say([{ to: "room", id: "large", text: "x".repeat(5_000) }])).toBe(200);
    await sayInOrder("room", names("after", 3));
    await eventually("the large one is out of the way", async () => {
      const all = await statuses();
      return (await spooled()) === 0 && all.some(({ spool_aside_rows }) => spool_aside_rows === 1);
    });
    expect(host().lines.filter((line) => line.includes('"row_set_aside"')).length).toBe(1);
    expect(await seen("room")).toEqual(["before", ...names("after", 3)]);
    await bus.limitIngress({ max_msg_size: -1 });
    await host().kill();
    await start();
    await eventually(
      "it has arrived",
      async () => (await say([text("room", "poke")])) === 200 && (await seen("room")).includes("large"),
    );
    expect((await statuses()).every(({ spool_aside_rows }) => spool_aside_rows === 0)).toBe(true);
  });
}
