// Two replicas on a real bus, with the users' own permissions, under honest and hostile telemetry.

import type { NatsConnection } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { type TestContext, testContext } from "@mio/proving/kit/core/context.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { type BusRole, busUserOf, permissionsOf } from "@mio/shared/bus/names/users.ts";
import { encodeTelemetry } from "@mio/shared/bus/wire/telemetry.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runTelemetry } from "./service.ts";

const roles: BusRole[] = [{ role: "edge" }, { role: "core" }];
const counts = [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const durationSeconds = { counts, sum: 0.004 };
const accepted = { channelType: "alpha", outcome: "accepted", httpStatus: 200, durationSeconds };

interface Replica {
  context: TestContext;
  nats: NatsConnection;
  ended: Promise<void>;
  clock: { aheadMs: number };
}

let server: Awaited<ReturnType<typeof testNats>>;
let edge: NatsConnection;
let replicas: Replica[] = [];

beforeAll(async () => {
  const users = roles.map((role) => ({ user: busUserOf(role), password: "p", permissions: permissionsOf(role) }));
  server = await testNats({ users });
  edge = await login({ role: "edge" });
});

afterAll(async () => {
  await edge?.close();
  await server?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  replicas = [await replica(), await replica()];
});

afterEach(async () => {
  for (const { context, nats, ended } of replicas) {
    context.stop();
    await ended;
    await context[Symbol.asyncDispose]();
    await nats.close();
  }
});

function login(role: BusRole): Promise<NatsConnection> {
  const { inboxPrefix } = permissionsOf(role);
  return connectTo(server.url, { user: busUserOf(role), pass: "p", inboxPrefix });
}

async function replica(): Promise<Replica> {
  const nats = await login({ role: "core" });
  const context = testContext({ nats, dsn: "postgres://nobody@127.0.0.1:1/none" });
  const clock = { aheadMs: 0 };
  const host = clockOf(globalThis);
  const ended = runTelemetry({ ...context, clock: { ...host, monotonicMs: () => host.monotonicMs() + clock.aheadMs } }, [
    "alpha",
    "beta",
  ]);
  await nats.flush();
  return { context, nats, ended, clock };
}

async function tell(init: Parameters<typeof encodeTelemetry>[0], subject = "mio.telemetry.eu.1"): Promise<void> {
  await send(encodeTelemetry({ region: "eu", shard: 1, instance: "i", ...init }), subject);
}

async function send(bytes: Uint8Array, subject = "mio.telemetry.eu.1"): Promise<void> {
  edge.publish(subject, bytes);
  await edge.flush();
}

/** The lines of all replicas, added up where they are the same. */
async function read(name: string, from = replicas): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { context } of from)
    for (const line of (await context.metrics.metrics()).split("\n")) {
      if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
      const at = line.lastIndexOf(" ");
      const labels = line.slice(name.length, at);
      sums[labels] = (sums[labels] ?? 0) + Number(line.slice(at));
    }
  return sums;
}

const label = (channel: string, outcome: string, status: string) =>
  `{channel_type="${channel}",direction="inbound",outcome="${outcome}",http_status="${status}"}`;
const requests = () => read("mio_gateway_inbound_total");
const refusals = () => read("mio_edge_telemetry_refused_total");
const spoolRows = (from = replicas) => read("mio_edge_spool_rows", from);

/** Everything that was told before is counted. */
async function settled(): Promise<void> {
  const instance = crypto.randomUUID();
  const key = label("beta", "accepted", "200");
  const before = (await requests())[key] ?? 0;
  const beta = { ...accepted, channelType: "beta" };
  // More often than chance could give all of them to one replica.
  for (let sequence = 1; sequence <= 40; sequence += 1) await tell({ instance, sequence: BigInt(sequence), requests: [beta] });
  await eventually("all are counted", async () => (await requests())[key] === before + 120);
}

describe("telemetry", () => {
  it("counts each message in exactly one of the replicas", async () => {
    for (let sequence = 1n; sequence <= 50n; sequence += 1n)
      await tell({ sequence, requests: [accepted], uplink: { eventsStored: 4 } });
    await eventually("all are counted", async () => (await requests())[label("alpha", "accepted", "200")] === 150);
    await settled();
    expect((await requests())[label("alpha", "accepted", "200")]).toBe(150);
    expect(await read("mio_edge_events_total")).toMatchObject({ '{outcome="stored"}': 200 });
    for (const each of replicas)
      expect((await read("mio_gateway_inbound_total", [each]))[label("alpha", "accepted", "200")]).toBeGreaterThan(0);
    expect(await read("mio_gateway_inbound_latency_seconds_bucket")).toMatchObject({
      '{le="0.001",channel_type="alpha",direction="inbound",outcome="accepted"}': 50,
      '{le="+Inf",channel_type="alpha",direction="inbound",outcome="accepted"}': 150,
    });
    expect(await refusals()).toEqual({});
  });

  it("counts a repeat once", async () => {
    const [, other] = replicas;
    // One replica alone, as long as the other is away.
    other?.context.stop();
    await other?.ended;
    await other?.nats.flush();
    for (const sequence of [1n, 2n, 2n, 1n, 3n, 3n]) await tell({ sequence, requests: [accepted] });
    await settled();
    expect((await requests())[label("alpha", "accepted", "200")]).toBe(9);
    expect(await refusals()).toEqual({ '{reason="repeat"}': 3 });
    // Another life of the uplink begins anew.
    await tell({ instance: "later", sequence: 1n, requests: [accepted] });
    await eventually("it is counted", async () => (await requests())[label("alpha", "accepted", "200")] === 12);
  });

  it("G11: makes no label of what an edge chose, and counts what it refuses", async () => {
    const hostile = ['alpha"} 1\nevil 1', "", "a".repeat(10_000), "__proto__", "gamma"];
    for (const [index, text] of hostile.entries())
      await tell({
        sequence: BigInt(index + 1),
        requests: [
          { ...accepted, channelType: text },
          { ...accepted, outcome: text },
          { ...accepted, httpStatus: 1_000 + index },
        ],
      });
    await tell({
      sequence: 100n,
      requests: [{ ...accepted, channelType: "unknown", outcome: "unknown_channel", httpStatus: 404 }],
    });
    await send(new Uint8Array([0xff]));
    await send(new Uint8Array([8, 2]));
    await tell({ region: "us", sequence: 101n, requests: [accepted] });
    await tell({ shard: 2, sequence: 102n, requests: [accepted] });
    await tell({ sequence: 103n, requests: [accepted] }, "mio.telemetry.eu.1.more");
    await settled();
    const { [label("beta", "accepted", "200")]: _, ...seen } = await requests();
    expect(seen).toEqual({
      [label("other", "accepted", "200")]: 15,
      [label("alpha", "other", "200")]: 15,
      [label("alpha", "accepted", "other")]: 15,
      [label("unknown", "unknown_channel", "404")]: 3,
    });
    expect(await refusals()).toEqual({
      '{reason="unreadable"}': 1,
      '{reason="newer_version"}': 1,
      '{reason="at_odds_with_subject"}': 3,
    });
    for (const { context } of replicas) expect(await context.metrics.metrics()).not.toContain("evil");
  });

  it("G11: shows how a shard stands in every replica, until it has said nothing for a minute", async () => {
    const uplink = {
      connected: true,
      spoolRows: 3n,
      spoolBytes: 4_096n,
      spoolOldestAgeMs: 1_500n,
      spoolAsideRows: 2n,
      bus: "slow",
    };
    await tell({ sequence: 1n, uplink });
    await tell(
      { shard: 2, sequence: 1n, uplink: { ...uplink, spoolRows: -5n, connected: false, bus: 'odd"} 1\n' } },
      "mio.telemetry.eu.2",
    );
    for (const each of replicas)
      await eventually("it is there", async () => (await spoolRows([each]))['{region="eu",shard="1"}'] === 3);
    await settled();
    const [one] = replicas;
    if (!one) throw new Error("there is no replica");
    const shown = (name: string) => read(name, [one]);
    expect(await shown("mio_edge_spool_bytes")).toEqual({ '{region="eu",shard="1"}': 4_096, '{region="eu",shard="2"}': 4_096 });
    expect(await shown("mio_edge_spool_oldest_age_seconds")).toMatchObject({ '{region="eu",shard="1"}': 1.5 });
    expect(await shown("mio_edge_spool_aside_rows")).toMatchObject({ '{region="eu",shard="1"}': 2 });
    expect(await shown("mio_edge_uplink_connected")).toEqual({ '{region="eu",shard="1"}': 1, '{region="eu",shard="2"}': 0 });
    expect(await shown("mio_edge_uplink_bus")).toEqual({
      '{region="eu",shard="1",bus="slow"}': 1,
      '{region="eu",shard="2",bus="other"}': 1,
    });
    expect(await shown("mio_edge_spool_rows")).toEqual({ '{region="eu",shard="1"}': 3, '{region="eu",shard="2"}': 0 });
    expect(one.context.sections.get("edge")?.()).toMatchObject([
      { region: "eu", shard: 1, spool_rows: 3, bus: "slow", connected: true },
      { region: "eu", shard: 2, spool_rows: 0, bus: "other", connected: false },
    ]);
    one.clock.aheadMs = 61_000;
    for (const name of [
      "mio_edge_spool_rows",
      "mio_edge_spool_bytes",
      "mio_edge_spool_oldest_age_seconds",
      "mio_edge_uplink_connected",
      "mio_edge_uplink_bus",
    ])
      expect(await shown(name)).toEqual({});
    expect(one.context.sections.get("edge")?.()).toEqual([]);
  });

  it("keeps a bounded number of shards", async () => {
    const uplink = { connected: true };
    for (let shard = 0; shard < 5_000; shard += 1)
      edge.publish(
        `mio.telemetry.r${shard}.0`,
        encodeTelemetry({ region: `r${shard}`, shard: 0, instance: `i${shard}`, sequence: 1n, uplink }),
      );
    await edge.flush();
    await eventually("all are read", async () => ((await refusals())['{reason="too_many_shards"}'] ?? 0) === 2 * (5_000 - 4_096));
    for (const each of replicas) expect(Object.keys(await spoolRows([each])).length).toBe(4_096);
  });
});
