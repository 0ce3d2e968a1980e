// What the edge counts arrives in core's metrics, once: both hosts of the edge, a real bus with the users' own permissions, and core's service
// behind its `/metrics`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveHealth } from "@mio/core/process/health.ts";
import { runTelemetry } from "@mio/core/telemetry/service.ts";
import { permissionsOf } from "@mio/shared/bus/names/users.ts";
import { accountIdOf, conversationIdOf, partitionOf, tenantIdOf } from "@mio/shared/ids.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NatsConnection } from "../kit/bus/client.ts";
import { connectTo } from "../kit/bus/connection.ts";
import { type TestContext, testContext } from "../kit/core/context.ts";
import { directoryOf, type EdgeBus, edgeBus } from "../kit/edge/bus.ts";
import type { HostKind, TestHost } from "../kit/edge/host.ts";
import { nodeHost } from "../kit/edge/node-host.ts";
import { worker } from "../kit/edge/worker.ts";
import { sampleChannel, samplePayload } from "../kit/sample-channel/inbound.ts";
import { eventually } from "../kit/time/eventually.ts";
import { type Wire, wireTo } from "../kit/wire/wire.ts";

const tenantId = tenantIdOf("acme");
const alice = { tenantId, accountId: accountIdOf(tenantId, sampleChannel, "W1"), externalId: "W1", secret: "secret-1" };
const { inboxPrefix, ...permissions } = permissionsOf({ role: "core" });
const coreUser = { user: "core", password: "core-password", permissions };
const shared = "/webhooks/sample-chat";
/** Rounds of a second each, and a slow machine. */
const toldWithinMs = 45_000;
const uplinkLimits = { telemetryEveryMs: 1_000 };

interface Core extends AsyncDisposable {
  /** The lines of `/metrics` that begin so, by the rest of their labels. */
  read(name: string): Promise<Record<string, number>>;
}

/** One replica's telemetry service. */
async function startCore(bus: EdgeBus): Promise<Core> {
  const { user, password: pass } = coreUser;
  const nats: NatsConnection = await connectTo(bus.server.url, { user, pass, inboxPrefix });
  const context: TestContext = testContext({ nats, dsn: "postgres://nobody@127.0.0.1:1/none" });
  const running = runTelemetry(context, [sampleChannel]);
  const health = await serveHealth({ host: "127.0.0.1", port: 0, metrics: context.metrics, instance: "test" });
  return {
    read: async (name) => {
      const text = await (await fetch(`http://127.0.0.1:${health.port}/metrics`)).text();
      const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      return Object.fromEntries(
        lines.map((line) => [line.slice(name.length, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
      );
    },
    [Symbol.asyncDispose]: async () => {
      context.stop();
      await running;
      await context[Symbol.asyncDispose]();
      await health.close();
      await nats.close();
    },
  };
}

describe.each<HostKind>([worker, nodeHost])("$name", (kind) => {
  let bus: EdgeBus;
  let wire: Wire;
  let host: TestHost;
  let core: Core;
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
    bus = await edgeBus([coreUser]);
    wire = await wireTo(kind.carrier.portOf(bus.server));
    await bus.publish(directoryOf([alice]));
    core = await startCore(bus);
    host = await kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port), uplinkLimits });
  });

  afterEach(async () => {
    await host?.stop().catch(() => {});
    await core?.[Symbol.asyncDispose]();
    await wire?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function send(body: string, path = shared, secret = alice.secret): Promise<number> {
    return (await fetch(host.url + path, { method: "POST", body, headers: { "x-sample-secret": secret } })).status;
  }

  const say = (id: string, to = "room") => samplePayload({ type: "say", workspace: "W1", events: [{ to, id, text: "x" }] });
  const told = (what: string, check: () => Promise<void>) =>
    eventually(
      what,
      async () => {
        await check();
        return true;
      },
      toldWithinMs,
    );

  function label(outcome: string, status: number, channel = sampleChannel): string {
    return `{channel_type="${channel}",direction="inbound",outcome="${outcome}",http_status="${status}"}`;
  }

  it("counts each request once, by what became of it, and how long it took", async () => {
    const wanted: Record<string, number> = {};
    const expectOf = async (status: number, name: string, sent: Promise<number>, channel = sampleChannel) => {
      expect([name, await sent]).toEqual([name, status]);
      const key = label(name, status, channel);
      wanted[key] = (wanted[key] ?? 0) + 1;
    };
    for (let index = 0; index < 5; index += 1) await expectOf(200, "accepted", send(say(`m${index}`)));
    for (let index = 0; index < 3; index += 1) await expectOf(401, "refused", send(say("forged"), shared, "wrong"));
    await expectOf(200, "ignored", send(samplePayload({ type: "other", workspace: "W1" })));
    await expectOf(200, "quarantined", send("no workspace"));
    await expectOf(200, "handshake", send(samplePayload({ type: "hello", workspace: "W1", challenge: "c" })));
    await expectOf(404, "unknown_url", send("", `${shared}/not-a-uuid`));
    await expectOf(404, "unknown_channel", send("", "/webhooks/nothing"), "unknown");
    const name = `local:${partitionOf(conversationIdOf(alice.accountId, "room"), 2)}`;
    await host.breakStorage(name);
    wire.cut();
    await expectOf(503, "unavailable", send(say("lost")));
    await host.mendStorage(name);
    wire.mend();

    await told("all are counted", async () => expect(await core.read("mio_gateway_inbound_total")).toEqual(wanted));
    const labels = `channel_type="${sampleChannel}",direction="inbound",outcome="accepted"`;
    expect(await core.read("mio_gateway_inbound_latency_seconds_count")).toMatchObject({ [`{${labels}}`]: 5 });
    const buckets = await core.read("mio_gateway_inbound_latency_seconds_bucket");
    expect(buckets[`{le="+Inf",${labels}}`]).toBe(5);
  });

  it("shows an uplink's work, and its spool while the bus was away, and tells what it counted then once", async () => {
    expect(await send(say("before"))).toBe(200);
    await told("the first is counted", async () =>
      expect(await core.read("mio_gateway_inbound_total")).toEqual({ [label("accepted", 200)]: 1 }),
    );
    const shard = partitionOf(conversationIdOf(alice.accountId, "room"), 2);
    await told("its shard is there", async () =>
      expect(await core.read("mio_edge_uplink_connected")).toMatchObject({ [`{region="local",shard="${shard}"}`]: 1 }),
    );

    await bus.server.kill();
    for (let index = 0; index < 4; index += 1) expect(await send(say(`during${index}`))).toBe(200);
    for (let index = 0; index < 2; index += 1) expect(await send(say("forged"), shared, "wrong")).toBe(401);
    await bus.server.restart();
    const wanted = { [label("accepted", 200)]: 5, [label("refused", 401)]: 2 };
    await told("what came meanwhile is counted", async () =>
      expect(await core.read("mio_gateway_inbound_total")).toEqual(wanted),
    );
    await told("its work is counted", async () => {
      expect(await core.read("mio_edge_events_total")).toEqual({ '{outcome="stored"}': 5, '{outcome="refused"}': 0 });
      expect(await core.read("mio_edge_group_events_count")).toEqual({ "": 5 });
      const { '{outcome="spooled"}': spooled = 0 } = await core.read("mio_edge_groups_total");
      expect(spooled).toBeGreaterThan(0);
      expect(await core.read("mio_edge_spool_drained_total")).toMatchObject({ '{outcome="drained"}': spooled });
      expect(await core.read("mio_edge_spool_rows")).toMatchObject({ [`{region="local",shard="${shard}"}`]: 0 });
    });

    // One more round of everything changes nothing of what was counted.
    expect(await send(say("after"))).toBe(200);
    await told("the last is counted", async () =>
      expect(await core.read("mio_gateway_inbound_total")).toEqual({ ...wanted, [label("accepted", 200)]: 6 }),
    );
    expect(await core.read("mio_edge_telemetry_refused_total")).toEqual({});
  });

  it("tells what a shard drained after its host was killed, though nobody came since", async () => {
    expect(await send(say("before"))).toBe(200);
    wire.cut();
    for (let index = 0; index < 3; index += 1) expect(await send(say(`during${index}`))).toBe(200);
    await host.kill();
    wire.mend();
    host = await kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port), uplinkLimits });
    await told("the drain is counted", async () => {
      const { '{outcome="drained"}': drained = 0 } = await core.read("mio_edge_spool_drained_total");
      expect(drained).toBeGreaterThan(0);
    });
    const shard = partitionOf(conversationIdOf(alice.accountId, "room"), 2);
    await told("its spool is seen empty", async () =>
      expect(await core.read("mio_edge_spool_rows")).toMatchObject({ [`{region="local",shard="${shard}"}`]: 0 }),
    );
  });
});
