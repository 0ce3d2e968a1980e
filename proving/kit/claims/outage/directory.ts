// While the directory is away, unreadable or wiped: those who are known are served, and nobody is called unknown.
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { accountIdOf } from "@mio/shared/ids.ts";
import { expect, it } from "vitest";
import { directoryOf } from "../../edge/bus.ts";
import { sampleChannel } from "../../sample-channel/inbound.ts";
import { eventually } from "../../time/eventually.ts";
import { alice, newcomer, type OutageStage, sharedPath, tenantId, text } from "./stage.ts";

/** Registers the tests. */
export function directoryAwayClaims(at: () => OutageStage): void {
  it("G11: is not ready and answers 503 before it ever saw the directory, never 401 or 404", async () => {
    const { dataDir, host, say, start, wire } = at();
    await host().kill();
    await rm(dataDir, { recursive: true, force: true });
    wire.cut();
    await start();
    expect((await fetch(`${host().url}/health/ready`)).status).toBe(503);
    expect(await say([text("room", "1")])).toBe(503);
    expect(await say([text("room", "1")], { ...alice, secret: "wrong" })).toBe(503);
    expect(await say([text("room", "1")], alice, `${sharedPath}/${newcomer.accountId}`)).toBe(503);
    wire.mend();
    await eventually("the directory is loaded", async () => (await say([text("room", "1")])) === 200);
    expect((await fetch(`${host().url}/health/ready`)).status).toBe(200);
  });

  it("G11: keeps its copy sealed on its disk, and is not ready with a key that does not open it", async () => {
    const { dataDir, host, say, sayInOrder, start } = at();
    await sayInOrder("room", ["before"]);
    await host().stop();
    const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
    const stored = Buffer.concat(await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name)))));
    // What is on that disk is looked at in the right place: the copy's column is there, the secret and the workspace are not.
    expect(stored.includes("sealed_with")).toBe(true);
    expect(stored.includes(alice.secret)).toBe(false);
    expect(stored.includes(alice.accountId)).toBe(false);

    const misfit = `test:${Buffer.alloc(32, 9).toString("base64")}`;
    await start({ directoryKeys: misfit });
    expect((await fetch(`${host().url}/health/ready`)).status).toBe(503);
    const nobody = `${sharedPath}/${newcomer.accountId}`;
    const asked = [say([text("room", "1")]), say([text("room", "1")], { ...alice, secret: "wrong" }), say([], alice, nobody)];
    expect(await Promise.all(asked)).toEqual([503, 503, 503]);
    await host().stop();
    await start();
    expect(await say([text("room", "after")])).toBe(200);
  });

  it("G11: knows its accounts after a restart while the bus is away", async () => {
    const { host, say, sayInOrder, start, wire } = at();
    await sayInOrder("room", ["before"]);
    await host().kill();
    wire.cut();
    await start();
    expect(await say([text("room", "after")])).toBe(200);
    expect(await say([text("room", "forged")], { ...alice, secret: "wrong" })).toBe(401);
    expect((await fetch(`${host().url}/health/ready`)).status).toBe(200);
  });

  it("G11: goes on for known accounts when the directory is wiped, and calls nobody unknown until it is whole again", async () => {
    const { bus, health, say, sayInOrder } = at();
    await sayInOrder("room", ["before"]);
    await bus.deleteBucket();
    await eventually("the edge has noticed", async () => !(await health()).directory?.whole);
    expect(await say([text("room", "known")])).toBe(200);
    expect(await say([text("room", "x")], { ...alice, secret: "wrong" })).toBe(401);
    expect(await say([text("room", "x")], newcomer)).toBe(503);
    expect(await say([text("room", "x")], newcomer, `${sharedPath}/${newcomer.accountId}`)).toBe(503);
    await bus.publish(directoryOf([alice, newcomer]));
    await eventually("the newcomer is known", async () => (await say([text("room", "new")], newcomer)) === 200);
    expect(await say([text("room", "x")], alice, `${sharedPath}/${accountIdOf(tenantId, sampleChannel, "nobody")}`)).toBe(404);
  });
}
