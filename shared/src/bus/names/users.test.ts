// What each user of the bus is refused, by a real server with the permissions of users.ts in its configuration.
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import { AckPolicy, createInbox, type NatsConnection, nanos, StorageType } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { accountIdOf, tenantIdOf } from "../../ids.ts";
import { buckets, streams } from "./streams.ts";
import { oauthQueue, oauthSubject, oauthSubjects } from "./subjects.ts";
import { type BusRole, busUserOf, inboxPrefixOf, permissionsOf } from "./users.ts";

const mine = accountIdOf(tenantIdOf("acme"), "slack", "T1");
const theirs = accountIdOf(tenantIdOf("acme"), "slack", "T2");
const roles = {
  edge: { role: "edge" },
  core: { role: "core" },
  admin: { role: "admin" },
  operator: { role: "operator" },
  agent: { role: "agent", name: "helper", accounts: [mine] },
  otherAgent: { role: "agent", name: "other", accounts: [theirs] },
} satisfies Record<string, BusRole>;

interface Client {
  nats: NatsConnection;
  violations: string[];
}

let server: NatsServer;
const clients = new Map<BusRole, Client>();

beforeAll(async () => {
  const users = Object.values(roles).map((role) => ({ user: busUserOf(role), password: "p", permissions: permissionsOf(role) }));
  server = await testNats({ users });
  for (const role of Object.values(roles)) clients.set(role, await clientOf(role));
  const manager = await client(roles.operator).nats.jetstreamManager();
  for (const { name, subjects } of Object.values(streams)) {
    await manager.streams.add({
      name,
      subjects: [...subjects],
      storage: StorageType.File,
      allow_direct: true,
      max_bytes: 1024 ** 2,
    });
  }
  for (const durable of streams.enriched.durables) {
    await manager.consumers.add(streams.enriched.name, { durable_name: durable.name, filter_subject: durable.filterSubject });
  }
  const jetstream = client(roles.operator).nats.jetstream();
  for (const bucket of Object.values(buckets))
    await jetstream.views.kv(bucket.name, { allow_direct: true, max_bytes: 1024 ** 2 });
  await (await jetstream.views.kv(buckets.directory.name)).put("route", "value");
});

afterAll(async () => {
  for (const { nats } of clients.values()) await nats.close();
  await server?.[Symbol.asyncDispose]();
});

async function clientOf(role: BusRole): Promise<Client> {
  const user = busUserOf(role);
  const nats = await connectTo(server.url, { user, pass: "p", inboxPrefix: inboxPrefixOf(user) });
  const violations: string[] = [];
  void (async () => {
    for await (const event of nats.status()) {
      if (event.permissionContext) violations.push(`${event.permissionContext.operation} ${event.permissionContext.subject}`);
    }
  })();
  return { nats, violations };
}

function client(role: BusRole): Client {
  const found = clients.get(role);
  if (!found) throw new Error("no such client");
  return found;
}

/** Publishes with a reply that leads nowhere; the server refuses before it answers the flush. */
async function mayPublish(role: BusRole, subject: string): Promise<boolean> {
  const { nats, violations } = client(role);
  nats.publish(subject, "{}", { reply: `${inboxPrefixOf(busUserOf(role))}.nowhere` });
  return settles(nats, violations, `publish ${subject}`);
}

async function mayHear(role: BusRole, subject: string): Promise<boolean> {
  const { nats, violations } = client(role);
  const subscription = nats.subscribe(subject, { callback: () => undefined });
  const allowed = await settles(nats, violations, `subscription ${subject}`);
  subscription.unsubscribe();
  return allowed;
}

async function settles(nats: NatsConnection, violations: string[], violation: string): Promise<boolean> {
  await nats.flush();
  // The client hands the violation to its listeners in a later turn of the loop.
  await new Promise((resolve) => setImmediate(resolve));
  return !violations.includes(violation);
}

const createIn = (stream: string, filter: string) => `$JS.API.CONSUMER.CREATE.${stream}.c1.${filter}`;
const enriched = streams.enriched.name;

const refusals: Record<string, { role: BusRole; publish?: string[]; hear?: string[] }> = {
  "the edge cannot read messages, nor write any but ingress and its telemetry, nor change the directory": {
    role: roles.edge,
    publish: [
      `mio.inbound.slack.${mine}.c`,
      `mio.inbound_enriched.slack.${mine}.c`,
      `mio.outbound.slack.${mine}.c`,
      `mio.receipt.slack.${mine}.c`,
      "$KV.mio_directory.route",
      "$KV.mio_positions.dedup.0",
      createIn(streams.ingress.name, "mio.ingress.>"),
      createIn(streams.inbound.name, "mio.inbound.>"),
      createIn(enriched, "mio.inbound_enriched.>"),
      `$JS.API.CONSUMER.CREATE.${enriched}`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${enriched}.d`,
      `$JS.API.CONSUMER.MSG.NEXT.${enriched}.ai-consumer-enriched`,
      `$JS.API.DIRECT.GET.${streams.inbound.name}`,
      `$JS.API.STREAM.MSG.GET.${streams.inbound.name}`,
      "$JS.API.STREAM.DELETE.KV_mio_directory",
      "$JS.API.STREAM.PURGE.KV_mio_directory",
    ],
    hear: ["mio.>", "mio.ingress.>", "mio.telemetry.>", "_INBOX.>", "_INBOX_core.>", "$KV.mio_directory.>", ">", oauthSubjects],
  },
  "an agent cannot write inbound, receipts or another account's commands": {
    role: roles.agent,
    publish: [
      "mio.ingress.local.0",
      `mio.inbound.slack.${mine}.c`,
      `mio.inbound_enriched.slack.${mine}.c`,
      `mio.receipt.slack.${mine}.c`,
      `mio.outbound.slack.${theirs}.c`,
      "mio.quarantine.slack.q",
      "mio.dead_letter.sender.k",
      "mio.dead_letter.agent-other.k",
      oauthSubject("slack"),
      "mio.telemetry.local.0",
    ],
    hear: [oauthSubjects, "mio.telemetry.>"],
  },
  "an agent cannot read another account's messages or receipts, by any way of asking": {
    role: roles.agent,
    publish: [
      createIn(enriched, `mio.inbound_enriched.*.${theirs}.>`),
      createIn(enriched, "mio.inbound_enriched.>"),
      `$JS.API.CONSUMER.CREATE.${enriched}`,
      `$JS.API.CONSUMER.CREATE.${enriched}.c1`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${enriched}.d`,
      `$JS.API.CONSUMER.MSG.NEXT.${enriched}.ai-consumer-enriched`,
      createIn(streams.receipt.name, `mio.receipt.*.${theirs}.>`),
      createIn(streams.inbound.name, `mio.inbound.*.${mine}.>`),
      `$JS.API.DIRECT.GET.${enriched}`,
      `$JS.API.DIRECT.GET.${enriched}.mio.inbound_enriched.slack.${theirs}.c`,
      `$JS.API.STREAM.MSG.GET.${enriched}`,
      "$JS.API.STREAM.CREATE.copy",
    ],
    hear: ["mio.>", `mio.inbound_enriched.slack.${mine}.>`, "$JS.>", ">"],
  },
  "an agent cannot read another's inbox, nor touch its positions, nor the directory": {
    role: roles.agent,
    publish: [
      "$KV.mio_positions.other.0",
      "$KV.mio_positions.dedup.0",
      "$JS.API.DIRECT.GET.KV_mio_positions.$KV.mio_positions.other.0",
      "$KV.mio_directory.route",
      "$JS.API.DIRECT.GET.KV_mio_directory.$KV.mio_directory.route",
      createIn("KV_mio_directory", "$KV.mio_directory.>"),
    ],
    hear: ["_INBOX.>", "_INBOX_agent-other.>", "_INBOX_core.>", "_INBOX_*.>"],
  },
  "an agent cannot change or end the consumers of others": {
    role: roles.agent,
    publish: [
      `$JS.API.CONSUMER.CREATE.${enriched}.ai-consumer-enriched.mio.inbound_enriched.*.${mine}.>`,
      `$JS.API.CONSUMER.CREATE.${enriched}.channel-pulse.mio.inbound_enriched.*.${mine}.>`,
      `$JS.API.CONSUMER.DELETE.${enriched}.ai-consumer-enriched`,
      `$JS.API.CONSUMER.NAMES.${enriched}`,
      `$JS.API.CONSUMER.LIST.${enriched}`,
      `$JS.API.CONSUMER.INFO.${enriched}.ai-consumer-enriched`,
    ],
  },
  "core cannot delete or purge what it keeps, nor hear anything but its inbox and telemetry": {
    role: roles.core,
    publish: [
      `$JS.API.STREAM.DELETE.${enriched}`,
      `$JS.API.STREAM.PURGE.${enriched}`,
      `$JS.API.STREAM.MSG.DELETE.${enriched}`,
      "$KV.another.key",
    ],
    hear: ["mio.>", "mio.ingress.>", "_INBOX_edge.>", "_INBOX_agent-helper.>", ">", oauthSubjects, "mio.oauth.>"],
  },
  "admin cannot write messages or positions": {
    role: roles.admin,
    publish: [
      `mio.inbound.slack.${mine}.c`,
      `mio.outbound.slack.${mine}.c`,
      "mio.telemetry.local.0",
      "$KV.mio_positions.dedup.0",
      `$JS.API.STREAM.PURGE.${enriched}`,
      oauthSubject("slack"),
      "_INBOX_edge.unasked",
    ],
    hear: ["mio.>", "mio.telemetry.>", "_INBOX_edge.>", oauthSubjects],
  },
};

describe("refused", () => {
  for (const [claim, { role, publish = [], hear = [] }] of Object.entries(refusals)) {
    it(claim, async () => {
      const letThrough: string[] = [];
      for (const subject of publish) if (await mayPublish(role, subject)) letThrough.push(`publish ${subject}`);
      for (const subject of hear) if (await mayHear(role, subject)) letThrough.push(`hear ${subject}`);
      expect(letThrough).toEqual([]);
    });
  }

  it("a stranger without a password is not let in", async () => {
    await expect(connectTo(server.url, { user: "edge", pass: "guess" })).rejects.toThrow(/authorization/i);
  });

  it("a filter of another account in the body does not pass behind the own account's subject", async () => {
    const { nats } = client(roles.agent);
    const answer = await nats.request(
      createIn(enriched, `mio.inbound_enriched.*.${mine}.>`),
      JSON.stringify({
        stream_name: enriched,
        config: {
          name: "c1",
          filter_subject: `mio.inbound_enriched.*.${theirs}.>`,
          deliver_subject: createInbox("_INBOX_agent-helper"),
        },
      }),
    );
    expect(answer.json()).toMatchObject({ error: { code: 400 } });
  });
});

describe("allowed", () => {
  it("the same look that finds refusals finds what is allowed", async () => {
    expect(await mayPublish(roles.agent, `mio.outbound.slack.${mine}.c`)).toBe(true);
    expect(await mayHear(roles.agent, "_INBOX_agent-helper.x")).toBe(true);
  });

  it("the edge publishes groups with an acknowledgement and reads and watches the directory", async () => {
    const jetstream = client(roles.edge).nats.jetstream();
    expect((await jetstream.publish("mio.ingress.local.0", "group")).stream).toBe(streams.ingress.name);
    const directory = await jetstream.views.kv(buckets.directory.name, { bindOnly: true, allow_direct: true });
    expect((await directory.get("route"))?.string()).toBe("value");
    const watch = await directory.watch();
    for await (const entry of watch) {
      expect(entry.string()).toBe("value");
      break;
    }
    watch.stop();
    expect(client(roles.edge).violations.filter((each) => each.includes("KV_mio_directory"))).toEqual([
      "publish $JS.API.STREAM.DELETE.KV_mio_directory",
      "publish $JS.API.STREAM.PURGE.KV_mio_directory",
    ]);
  });

  it.each([roles.core, roles.admin])("$role answers what the edge asks in its queue, once and nowhere else", async (role) => {
    const asked = client(role);
    const answering = asked.nats.subscribe(oauthSubjects, {
      queue: oauthQueue,
      callback: (_, message) => {
        message.respond("first");
        message.respond("second");
        asked.nats.publish(`${inboxPrefixOf("edge")}.elsewhere`, "stray");
      },
    });
    await asked.nats.flush();
    const heard: string[] = [];
    const edge = client(roles.edge).nats;
    const all = edge.subscribe("_INBOX_edge.>", { callback: (_, message) => void heard.push(message.string()) });
    expect((await edge.request(oauthSubject("slack"), "callback", { timeout: 5_000 })).string()).toBe("first");
    await asked.nats.flush();
    await edge.flush();
    expect(heard).toEqual(["first"]);
    all.unsubscribe();
    answering.unsubscribe();
  });

  it("the edge tells core about itself, and one of core's replicas counts it", async () => {
    const heard: string[] = [];
    const { nats } = client(roles.core);
    const [one, two, all] = [{ queue: "count" }, { queue: "count" }, {}].map((options, index) =>
      nats.subscribe("mio.telemetry.>", {
        ...options,
        callback: (_, message) => void heard.push(`${index < 2} ${message.string()}`),
      }),
    );
    await nats.flush();
    client(roles.edge).nats.publish("mio.telemetry.local.0", "10 s");
    await client(roles.edge).nats.flush();
    await vi.waitFor(() => expect(heard.sort()).toEqual(["false 10 s", "true 10 s"]));
    for (const subscription of [one, two, all]) subscription?.unsubscribe();
    expect(client(roles.core).violations.filter((each) => each.includes("telemetry"))).toEqual([]);
  });

  it("an agent reads its own account's messages in its inbox, answers, and keeps its positions", async () => {
    const operator = client(roles.operator).nats.jetstream();
    await operator.publish(`mio.inbound_enriched.slack.${theirs}.c`, "not for you");
    await operator.publish(`mio.inbound_enriched.slack.${mine}.c`, "for you");
    const { nats } = client(roles.agent);
    const inbox = createInbox("_INBOX_agent-helper");
    const heard: string[] = [];
    nats.subscribe(inbox, { callback: (_, message) => void heard.push(message.string()) });
    const filter = `mio.inbound_enriched.*.${mine}.>`;
    const config = {
      name: "mine",
      filter_subject: filter,
      deliver_subject: inbox,
      deliver_policy: "all",
      ack_policy: "none",
      flow_control: true,
      idle_heartbeat: nanos(5_000),
      inactive_threshold: nanos(10_000),
      mem_storage: true,
      num_replicas: 1,
    };
    const created = await nats.request(
      `$JS.API.CONSUMER.CREATE.${enriched}.mine.${filter}`,
      JSON.stringify({ stream_name: enriched, config }),
    );
    expect(created.json()).not.toHaveProperty("error");
    await vi.waitFor(() => expect(heard).toEqual(["for you"]));
    const jetstream = nats.jetstream();
    expect((await jetstream.publish(`mio.outbound.slack.${mine}.c`, "answer")).stream).toBe(streams.outbound.name);
    expect((await jetstream.publish("$KV.mio_positions.helper.0", "position")).stream).toBe("KV_mio_positions");
    const read = await nats.request("$JS.API.DIRECT.GET.KV_mio_positions.$KV.mio_positions.helper.0");
    expect(read.string()).toBe("position");
  });

  it("core makes streams, writes and reads each of them", async () => {
    const { nats } = client(roles.core);
    const manager = await nats.jetstreamManager();
    await manager.streams.add({ name: "MIO_MORE", subjects: ["more.>"], storage: StorageType.File });
    for (const { name, subjects } of Object.values(streams)) {
      await nats.jetstream().publish(`${subjects[0]?.replace(">", "x")}.y`, "m");
      const consumer = await manager.consumers.add(name, {
        name: "reader",
        inactive_threshold: nanos(5_000),
        ...(name === streams.outbound.name ? { ack_policy: AckPolicy.Explicit } : {}),
      });
      expect(consumer.name).toBe("reader");
    }
    expect(client(roles.core).violations.filter((each) => !/DELETE|PURGE|another|subscription|_INBOX_edge/.test(each))).toEqual(
      [],
    );
  });
});
