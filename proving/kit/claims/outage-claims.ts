// What a host of the edge claims while something is away: the bus, the connection, the host itself, the directory's bucket, the disk. Run
// by the test of each host.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UplinkLimits } from "@mio/edge/uplink/limits.ts";
import { accountIdOf, conversationIdOf, partitionOf, tenantIdOf } from "@mio/shared/ids.ts";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { directoryOf, type EdgeBus, edgeBus } from "../edge/bus.ts";
import type { HostKind, TestHost } from "../edge/host.ts";
import { sampleChannel, samplePayload } from "../sample-channel/inbound.ts";
import { eventually } from "../time/eventually.ts";
import { type Wire, wireTo } from "../wire/wire.ts";

const tenantId = tenantIdOf("acme");
const account = (externalId: string) => ({
  tenantId,
  accountId: accountIdOf(tenantId, sampleChannel, externalId),
  externalId,
  secret: `secret-${externalId}`,
});
const alice = account("W1");
const newcomer = account("W2");

/** Registers the tests. */
export function outageClaims(kind: HostKind): void {
  describe(`${kind.name} in an outage`, () => registerTests(kind));
}

function registerTests(kind: HostKind): void {
  let bus: EdgeBus;
  let wire: Wire;
  let host: TestHost;
  let dataDir: string;

  const start = () => kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port) });

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
    bus = await edgeBus();
    wire = await wireTo(kind.carrier.portOf(bus.server));
    await bus.publish(directoryOf([alice]));
    host = await start();
  });

  afterEach(async () => {
    await host?.stop().catch(() => {});
    await wire?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  const shared = "/webhooks/sample-chat";
  const text = (to: string, id: string) => ({ to, id, text: "x" });

  async function say(events: { to: string; id: string; text: string }[], who = alice, path = shared): Promise<number> {
    const body = samplePayload({ type: "say", workspace: who.externalId, events });
    const startedMs = performance.now();
    const response = await fetch(host.url + path, { method: "POST", body, headers: { "x-sample-secret": who.secret } });
    await response.text();
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    if (response.status === 503) expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    return response.status;
  }

  /** Each only after the answer to the last. */
  async function sayInOrder(to: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) expect([id, await say([text(to, id)])]).toEqual([id, 200]);
  }

  /** First appearances, in the stream's order. */
  async function seen(to: string): Promise<string[]> {
    const arrived = (await bus.arrived()).flatMap(({ event }) =>
      event.conversationExternalId === to ? [event.sourceMessageId.slice(to.length + 1)] : [],
    );
    return [...new Set(arrived)];
  }

  const health = v.object({
    directory: v.optional(v.object({ whole: v.boolean() })),
    shards: v.array(
      v.object({
        name: v.string(),
        status: v.optional(
          v.object({
            spool_rows: v.number(),
            spool_aside_rows: v.number(),
            rows_drained: v.number(),
            bus: v.string(),
            bus_reason: v.optional(v.string()),
          }),
        ),
      }),
    ),
  });

  async function statuses() {
    const { shards } = v.parse(health, await (await fetch(`${host.url}/health`)).json());
    return shards.flatMap(({ status }) => status ?? []);
  }

  async function spooled(): Promise<number> {
    return (await statuses()).reduce((sum, { spool_rows }) => sum + spool_rows, 0);
  }

  /** How the bus looks to the shard that looks worst. */
  async function busLooks(): Promise<string> {
    const views = (await statuses()).map(({ bus }) => bus);
    return views.find((view) => view !== "answering") ?? "answering";
  }

  function names(prefix: string, count: number): string[] {
    return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  }

  it("G2, G4: answers from the spool while the bus is killed, and brings all to it in order once it is back", async () => {
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
    let delayMs = Number.POSITIVE_INFINITY;
    await using _relay = await bus.acknowledgeLate(() => delayMs);
    await sayInOrder("room", names("lost", 8));
    expect(await busLooks()).toBe("silent");
    delayMs = 0;
    await eventually("the spool is empty", async () => (await spooled()) === 0, 30_000);
    expect(await seen("room")).toEqual(names("lost", 8));
  });

  it("G2, G4: spools while the stream is full, says why, and drains once it takes more", { timeout: 60_000 }, async () => {
    await sayInOrder("room", ["before"]);
    await bus.limitIngress({ max_msgs: 1 });
    await sayInOrder("room", names("full", 6));
    await eventually("its reason is told", async () =>
      (await statuses()).some(({ bus_reason }) => /maximum messages/.test(bus_reason ?? "")),
    );
    await bus.limitIngress({ max_msgs: -1 });
    await eventually("the spool is empty", async () => (await spooled()) === 0, 20_000);
    expect(await seen("room")).toEqual(["before", ...names("full", 6)]);
  });

  it("G1: answers 503 with Retry-After once the spool is full by rows, bytes or age, loses nothing, and takes more when it has drained", {
    timeout: 60_000,
  }, async () => {
    const limits: Partial<UplinkLimits>[] = [{ spoolRowsMax: 3 }, { spoolBytesMax: 2_000 }, { spoolAgeMaxMs: 1_500 }];
    const stored: string[] = [];
    for (const [index, uplinkLimits] of limits.entries()) {
      await host.stop();
      host = await kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port), uplinkLimits });
      await sayInOrder("room", [`${index}.before`]);
      wire.cut();
      stored.push(`${index}.before`);
      const refused = await eventually("the spool is full", async () => {
        const id = `${index}.${stored.length}`;
        const status = await say([text("room", id)]);
        if (status === 200) stored.push(id);
        return status === 503 && id;
      });
      wire.mend();
      await eventually("the repeat is taken", async () => (await say([text("room", refused)])) === 200);
      stored.push(refused);
      await eventually("the spool is empty", async () => (await spooled()) === 0);
    }
    expect(await seen("room")).toEqual(stored);
  });

  it("G2: sets aside what is too large for the bus, takes the rest to it, and tries again when it is started anew", {
    timeout: 60_000,
  }, async () => {
    await sayInOrder("room", ["before"]);
    await bus.limitIngress({ max_msg_size: 3_000 });
    expect(await say([{ to: "room", id: "large", text: "x".repeat(5_000) }])).toBe(200);
    await sayInOrder("room", names("after", 3));
    await eventually("the large one is out of the way", async () => {
      const all = await statuses();
      return (await spooled()) === 0 && all.some(({ spool_aside_rows }) => spool_aside_rows === 1);
    });
    expect(host.lines.filter((line) => line.includes('"row_set_aside"')).length).toBe(1);
    expect(await seen("room")).toEqual(["before", ...names("after", 3)]);
    await bus.limitIngress({ max_msg_size: -1 });
    await host.kill();
    host = await start();
    await eventually(
      "it has arrived",
      async () => (await say([text("room", "poke")])) === 200 && (await seen("room")).includes("large"),
    );
    expect((await statuses()).every(({ spool_aside_rows }) => spool_aside_rows === 0)).toBe(true);
  });

  it("G2: goes on with another server of its list when one goes away", { timeout: 60_000 }, async () => {
    const other = await wireTo(kind.carrier.portOf(bus.server));
    try {
      await host.stop();
      host = await kind.start({ dataDir, busUrl: [wire, other].map(({ port }) => kind.carrier.urlOf(port)).join(", ") });
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
    await sayInOrder("room", ["before"]);
    wire.cut();
    await sayInOrder("room", names("during", 5));
    await host.kill();
    // The alarm rings while the bus is still away, so only an alarm that was armed again can do the rest.
    host = await start();
    await eventually("the alarm rang and set the next", async () => alarmsRung() > 0);
    await host.kill();
    wire.mend();
    host = await start();
    await eventually("all have arrived", async () => (await seen("room")).length === 6, 20_000);
    expect(await seen("room")).toEqual(["before", ...names("during", 5)]);
    expect(await spooled()).toBe(0);
  });

  it("G1: fails what is in flight at once when the connection is lost, and spools it", async () => {
    await host.stop();
    // Whoever waited for the uplink's deadline would be answered 503 before.
    const uplinkLimits = { deadlineMs: 60_000, drainDeadlineMs: 60_000 };
    host = await kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port), uplinkLimits });
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

  it("G1: answers 503 when neither the bus nor the spool takes it, and 200 again after", async () => {
    await sayInOrder("room", ["before"]);
    const name = `local:${partitionOf(conversationIdOf(alice.accountId, "room"), 2)}`;
    await host.breakStorage(name);
    // The spool alone is not needed.
    expect(await say([text("room", "bus only")])).toBe(200);
    wire.cut();
    expect(await say([text("room", "lost")])).toBe(503);
    await host.mendStorage(name);
    expect(await say([text("room", "lost")])).toBe(200);
    wire.mend();
    await eventually("the repeat has arrived", async () => (await seen("room")).includes("lost"));
  });

  it("G1: answers 503 for a webhook of two shards when one of them cannot store its part", async () => {
    const shardOf = (to: string) => partitionOf(conversationIdOf(alice.accountId, to), 2);
    const rooms = names("room", 20);
    const zero = rooms.find((to) => shardOf(to) === 0) ?? "";
    const one = rooms.find((to) => shardOf(to) === 1) ?? "";
    expect(await say([text(zero, "a"), text(one, "a")])).toBe(200);
    wire.cut();
    for (const broken of [0, 1]) {
      const name = `local:${broken}`;
      await host.breakStorage(name);
      expect(await say([text(zero, `b${broken}`), text(one, `b${broken}`)])).toBe(503);
      await host.mendStorage(name);
    }
    expect(await say([text(zero, "c"), text(one, "c")])).toBe(200);
    wire.mend();
    await eventually("both parts have arrived", async () => (await seen(zero)).includes("c") && (await seen(one)).includes("c"));
  });

  it("G11: is not ready and answers 503 before it ever saw the directory, never 401 or 404", async () => {
    await host.kill();
    await rm(dataDir, { recursive: true, force: true });
    wire.cut();
    host = await start();
    expect((await fetch(`${host.url}/health/ready`)).status).toBe(503);
    expect(await say([text("room", "1")])).toBe(503);
    expect(await say([text("room", "1")], { ...alice, secret: "wrong" })).toBe(503);
    expect(await say([text("room", "1")], alice, `${shared}/${newcomer.accountId}`)).toBe(503);
    wire.mend();
    await eventually("the directory is loaded", async () => (await say([text("room", "1")])) === 200);
    expect((await fetch(`${host.url}/health/ready`)).status).toBe(200);
  });

  it("G11: keeps its copy sealed on its disk, and is not ready with a key that does not open it", async () => {
    await sayInOrder("room", ["before"]);
    await host.stop();
    const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
    const stored = Buffer.concat(await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name)))));
    // What is on that disk is looked at in the right place: the copy's column is there, the secret and the workspace are not.
    expect(stored.includes("sealed_with")).toBe(true);
    expect(stored.includes(alice.secret)).toBe(false);
    expect(stored.includes(alice.accountId)).toBe(false);

    const misfit = `test:${Buffer.alloc(32, 9).toString("base64")}`;
    host = await kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port), directoryKeys: misfit });
    expect((await fetch(`${host.url}/health/ready`)).status).toBe(503);
    const nobody = `${shared}/${newcomer.accountId}`;
    const asked = [say([text("room", "1")]), say([text("room", "1")], { ...alice, secret: "wrong" }), say([], alice, nobody)];
    expect(await Promise.all(asked)).toEqual([503, 503, 503]);
    await host.stop();
    host = await start();
    expect(await say([text("room", "after")])).toBe(200);
  });

  it("G11: knows its accounts after a restart while the bus is away", async () => {
    await sayInOrder("room", ["before"]);
    await host.kill();
    wire.cut();
    host = await start();
    expect(await say([text("room", "after")])).toBe(200);
    expect(await say([text("room", "forged")], { ...alice, secret: "wrong" })).toBe(401);
    expect((await fetch(`${host.url}/health/ready`)).status).toBe(200);
  });

  it("G11: goes on for known accounts when the directory is wiped, and calls nobody unknown until it is whole again", async () => {
    await sayInOrder("room", ["before"]);
    await bus.deleteBucket();
    await eventually(
      "the edge has noticed",
      async () => !v.parse(health, await (await fetch(`${host.url}/health`)).json()).directory?.whole,
    );
    expect(await say([text("room", "known")])).toBe(200);
    expect(await say([text("room", "x")], { ...alice, secret: "wrong" })).toBe(401);
    expect(await say([text("room", "x")], newcomer)).toBe(503);
    expect(await say([text("room", "x")], newcomer, `${shared}/${newcomer.accountId}`)).toBe(503);
    await bus.publish(directoryOf([alice, newcomer]));
    await eventually("the newcomer is known", async () => (await say([text("room", "new")], newcomer)) === 200);
    expect(await say([text("room", "x")], alice, `${shared}/${accountIdOf(tenantId, sampleChannel, "nobody")}`)).toBe(404);
  });

  function alarmsRung(): number {
    return host.lines.filter((line) => line.includes('"event":"uplink_woke"')).length;
  }
}
