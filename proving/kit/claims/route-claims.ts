// What a host of the edge claims of its routes: each of them, and every bad input, against a real nats-server. Run by the test of each host.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { accountIdOf, conversationIdOf, partitionOf, tenantIdOf } from "@mio/shared/ids.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { directoryOf, type EdgeBus, edgeBus } from "../edge/bus.ts";
import type { HostKind, TestHost } from "../edge/host.ts";
import { sampleChannel, samplePayload } from "../sample-channel/inbound.ts";
import { eventually } from "../time/eventually.ts";

const tenantId = tenantIdOf("acme");
const alice = { tenantId, accountId: accountIdOf(tenantId, sampleChannel, "W1"), externalId: "W1", secret: "secret-1" };
const bob = {
  tenantId,
  accountId: accountIdOf(tenantId, sampleChannel, 'W "2".%20'),
  externalId: 'W "2".%20',
  secret: "secret-2",
};
const nobodysId = accountIdOf(tenantId, sampleChannel, "nobody");

/** Registers the tests. */
export function routeClaims(kind: HostKind): void {
  describe(kind.name, () => registerTests(kind));
}

function registerTests(kind: HostKind): void {
  let bus: EdgeBus;
  let host: TestHost;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
    bus = await edgeBus();
    await bus.publish(directoryOf([alice, bob]));
    host = await kind.start({ dataDir, busUrl: kind.carrier.urlOf(kind.carrier.portOf(bus.server)) });
    // A host connects for its first webhook, and on a busy machine says 503 to that one.
    await eventually("the host to have its bus", async () => {
      const response = await send(shared, { body: say("W1", { to: "first", id: "0", text: "first" }) });
      return response.status === 200;
    });
  });

  afterAll(async () => {
    await host?.stop();
    await bus?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  interface Sent {
    body?: BodyInit;
    secret?: string;
    method?: string;
    headers?: Record<string, string>;
  }

  function send(path: string, { body = "", secret = alice.secret, method = "POST", headers = {} }: Sent = {}): Promise<Response> {
    const init = { method, headers: { "x-sample-secret": secret, ...headers }, duplex: "half" as const };
    return fetch(host.url + path, method === "GET" ? init : { ...init, body });
  }

  const shared = "/webhooks/sample-chat";
  const own = `${shared}/${alice.accountId}`;
  const say = (workspace: string, ...events: { to: string; id: string; text: string }[]) =>
    samplePayload({ type: "say", workspace, events });

  it("G1: answers 200 to a verified webhook that the stream has acknowledged", async () => {
    const response = await send(shared, { body: say("W1", { to: "general", id: "1", text: "hello" }) });
    expect([response.status, await response.text(), response.headers.get("x-sample-outcome")]).toEqual([
      200,
      "accepted",
      "accepted",
    ]);
    const [arrived] = (await bus.arrived()).filter(({ event }) => event.sourceMessageId === "general:1");
    const conversationId = conversationIdOf(alice.accountId, "general");
    expect(arrived?.event).toMatchObject({
      subject: `mio.inbound.${sampleChannel}.${alice.accountId}.${conversationId}`,
      tenantId,
      accountId: alice.accountId,
      conversationId,
      conversationExternalId: "general",
      senderExternalId: "u1",
      eventDay: "2026-11-21",
    });
    expect(arrived?.group).toMatchObject({
      region: "local",
      generation: 1n,
      shard: partitionOf(conversationId, 2),
      spooled: false,
    });
    const message = decodeMessage(arrived?.event.body.case === "message" ? arrived.event.body.value : new Uint8Array());
    expect(message.kind === "message" && message.message).toMatchObject({
      text: "hello",
      edge: { region: "local", spooled: false },
    });
    expect(message.kind === "message" && message.message.receivedAt).toEqual(arrived?.event.receivedAt);
  });

  it("takes webhooks on a channel's shared URL, an account's own and the legacy paths, whatever the ids hold", async () => {
    const paths: [string, typeof alice][] = [
      [shared, alice],
      [own, alice],
      ["/sample", alice],
      ["/webhooks/sample", alice],
      [`${own}?ignored=%20%27`, alice],
      [shared, bob],
    ];
    for (const [index, [path, { externalId, secret, accountId }]] of paths.entries()) {
      const id = `it's "${index}". %20 ✓`;
      const response = await send(path, { body: say(externalId, { to: 'a "b".c %20', id, text: "x" }), secret });
      expect([path, response.status]).toEqual([path, 200]);
      const arrived = (await bus.arrived()).find(({ event }) => event.sourceMessageId === `a "b".c %20:${id}`);
      expect(arrived?.event.accountId).toBe(accountId);
    }
  });

  it("G11: refuses what is not verified with 401 and leaves nothing behind", async () => {
    const before = (await bus.arrived()).length;
    const body = say("W1", { to: "general", id: "forged", text: "x" });
    const forged: [string, Sent][] = [
      [shared, { body, secret: "wrong" }],
      [shared, { body, secret: "" }],
      [own, { body, secret: "wrong" }],
      [shared, { body: "{", secret: "wrong" }],
      [shared, { body: say("W9"), secret: "wrong" }],
      // Doubled: the platform's own header and somebody's.
      [shared, { body, secret: `${alice.secret}, ${alice.secret}` }],
      [shared, { method: "GET", secret: "wrong" }],
    ];
    for (const [path, sent] of forged) expect([path, sent, (await send(path, sent)).status]).toEqual([path, sent, 401]);
    expect((await bus.arrived()).length).toBe(before);
    const health: unknown = await (await fetch(`${host.url}/health`)).json();
    expect(health).toMatchObject({ isolate: { [sampleChannel]: { refused: forged.length } } });
  });

  it("G11: does not let one tenant sign for another's workspace", async () => {
    const body = say("W1", { to: "general", id: "stolen", text: "x" });
    expect((await send(shared, { body, secret: bob.secret })).status).toBe(401);
    expect((await send(own, { body, secret: bob.secret })).status).toBe(401);
  });

  it("G11: answers 200 and quarantines what is verified but nobody's, or not understood", async () => {
    const cases: [string, string, Sent][] = [
      ["no_account", shared, { body: say("W9", { to: "x", id: "1", text: "x" }) }],
      ["no_account", shared, { body: "no workspace" }],
      ["not_understood", own, { body: "{" }],
      ["not_understood", own, { body: JSON.stringify({ type: "say", events: 7 }) }],
      ["not_understood", own, { body: new Uint8Array([0xff, 0xfe]) }],
      ["normalise_threw", own, { body: samplePayload({ type: "throw" }) }],
    ];
    for (const [reason, path, sent] of cases) {
      const response = await send(path, { ...sent, headers: { "content-type": "application/json", cookie: "private" } });
      expect([reason, response.status, response.headers.get("x-sample-outcome")]).toEqual([reason, 200, "malformed"]);
      const last = (await bus.arrived()).at(-1)?.event;
      const entry = last?.body.case === "quarantine" ? last.body.value : undefined;
      expect(entry).toMatchObject({ reason, channelType: sampleChannel, method: "POST", path, region: "local" });
      expect(Buffer.from(entry?.body ?? [])).toEqual(Buffer.from(sent.body as string));
      expect(last?.subject).toBe(`mio.quarantine.${sampleChannel}.${entry?.id}`);
      expect(Object.keys(entry?.headers ?? {})).not.toContain("cookie");
      expect(JSON.stringify(entry?.headers)).not.toContain(alice.secret);
      if (path === own) expect([entry?.accountId, entry?.tenantId]).toEqual([alice.accountId, tenantId]);
    }
  });

  it("gives a repeat of a quarantined webhook the id of the first", async () => {
    await send(own, { body: "again" });
    await send(own, { body: "again" });
    const ids = (await bus.arrived()).slice(-2).map(({ event }) => event.body.case === "quarantine" && event.body.value.id);
    expect(ids[0]).toBe(ids[1]);
  });

  it("answers 200 to what is of no interest and publishes nothing", async () => {
    const before = (await bus.arrived()).length;
    const response = await send(own, { body: samplePayload({ type: "other" }) });
    expect([response.status, response.headers.get("x-sample-outcome")]).toEqual([200, "ignored"]);
    expect((await bus.arrived()).length).toBe(before);
  });

  it("answers handshakes, signed and unsigned, and stores nothing", async () => {
    const before = (await bus.arrived()).length;
    expect(await (await send(`${shared}?ssl_check=1`, { secret: "" })).text()).toBe("checked");
    expect(await (await send(shared, { body: samplePayload({ type: "hello", challenge: "c1" }) })).text()).toBe("c1");
    expect((await send(shared, { body: samplePayload({ type: "hello", challenge: "c1" }), secret: "wrong" })).status).toBe(401);
    expect((await send(shared, { method: "GET" })).status).toBe(405);
    expect((await bus.arrived()).length).toBe(before);
  });

  it("G11: answers 404 to unknown channels, accounts and paths", async () => {
    const paths = [
      "/webhooks/nothing",
      `${shared}/${nobodysId}`,
      `${shared}/not-a-uuid`,
      `${shared}/%22.%20'`,
      "/webhooks",
      "/",
      "/webhooks/sample_chat",
    ];
    for (const path of paths) expect([path, (await send(path)).status]).toEqual([path, 404]);
    expect((await send(`${shared}/${alice.accountId.toUpperCase()}`)).status).toBe(404);
  });

  it("answers 413 to bodies over 1 MiB, also those that do not say their length", async () => {
    const mebibytes = 2 * 1024 * 1024;
    expect((await send(own, { body: "x".repeat(mebibytes) })).status).toBe(413);
    const chunked = new ReadableStream({
      start: (controller) => {
        for (let sent = 0; sent < mebibytes; sent += 65_536) controller.enqueue(new Uint8Array(65_536));
        controller.close();
      },
    });
    // The connection may be closed on somebody who goes on sending.
    const status = await send(own, { body: chunked }).then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
    expect((await send(own, { body: "x".repeat(1_000_000) })).status).toBe(200);
  });

  it("carries a valid trace context on and makes one where it is missing or wrong", async () => {
    const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const traceOf = async (id: string, headers: Record<string, string>) => {
      await send(own, { body: say("W1", { to: "trace", id, text: "x" }), headers });
      return (await bus.arrived()).find(({ event }) => event.sourceMessageId === `trace:${id}`)?.event.traceparent;
    };
    expect(await traceOf("1", { traceparent: given })).toBe(given);
    expect(await traceOf("2", { traceparent: "00-0-0-0" })).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(await traceOf("3", {})).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("groups webhooks that wait together, and keeps them apart by shard", async () => {
    const requests = Array.from({ length: 200 }, (_, index) =>
      send(own, { body: say("W1", { to: `c${index % 20}`, id: `g${index}`, text: "x" }) }),
    );
    for (const response of await Promise.all(requests)) expect(response.status).toBe(200);
    const arrived = (await bus.arrived()).filter(({ event }) => /^c\d+:g\d+$/.test(event.sourceMessageId));
    expect(new Set(arrived.map(({ event }) => event.sourceMessageId)).size).toBe(200);
    expect(new Set(arrived.map(({ sequence }) => sequence)).size).toBeLessThan(200);
    for (const { event, group } of arrived) expect(group.shard).toBe(partitionOf(event.conversationId, 2));
  });

  it("reports its health, its directory and its shards", async () => {
    expect((await fetch(`${host.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${host.url}/health/ready`)).status).toBe(200);
    const health: unknown = await (await fetch(`${host.url}/health`)).json();
    expect(health).toMatchObject({
      ready: true,
      region: "local",
      directory: { connected: true, whole: true, entries: 5, refused: 0, unreadable: 0 },
      shards: [0, 1].map((shard) => ({
        name: `local:${shard}`,
        status: { connected: true, bus: "answering", stuck: false, spool_rows: 0, spool_bytes: 0, duplicates_outside_retry: 0 },
      })),
    });
  });

  it("logs one line a webhook, with ids and outcome and without secrets or bodies", async () => {
    await send(own, { body: say("W1", { to: "general", id: "logged", text: "private words" }) });
    const line = host.lines.findLast((each) => each.includes('"event":"webhook"')) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({
      channel_type: sampleChannel,
      account_id: alice.accountId,
      outcome: "accepted",
      http_status: 200,
      events: 1,
    });
    expect(host.lines.join("\n")).not.toMatch(/private words|secret-1/);
  });
}
