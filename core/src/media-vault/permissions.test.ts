// The services and an agent's reader with the permissions of users.ts: what they need they may, and nothing is refused on the way.

import { busOf } from "@mio/proving/kit/bus/bus.ts";
import type { NatsConnection } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { testContext } from "@mio/proving/kit/core/context.ts";
import { accountId, inboundSubjectOf, testMessage } from "@mio/proving/kit/core/ingress.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { type BusRole, busUserOf, inboxPrefixOf, permissionsOf } from "@mio/shared/bus/names/users.ts";
import { createLanes } from "@mio/shared/bus/read/lanes.ts";
import { createLogReader } from "@mio/shared/bus/read/log-reader.ts";
import { encodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { describe, expect, it } from "vitest";
import { provisionBus } from "../bus/provision.ts";
import { mediaVault } from "./service.ts";

describe("with least permission", () => {
  it("core provisions and enriches, and an agent reads its account's messages as a log", async () => {
    const core: BusRole = { role: "core" };
    const agent: BusRole = { role: "agent", name: "helper", accounts: [accountId] };
    const users = [core, agent].map((role) => ({ user: busUserOf(role), password: "p", permissions: permissionsOf(role) }));
    await using server = await testNats({ users });
    const refused: string[] = [];
    const login = async (role: BusRole): Promise<NatsConnection> => {
      const user = busUserOf(role);
      const nats = await connectTo(server.url, { user, pass: "p", inboxPrefix: inboxPrefixOf(user) });
      void (async () => {
        for await (const { permissionContext: context } of nats.status())
          if (context) refused.push(`${user} ${context.operation} ${context.subject}`);
      })();
      return nats;
    };
    const coreNats = await login(core);
    await provisionBus(coreNats, { streamReplicas: 1, streamBytesMax: 1024 ** 3 });
    await using context = testContext({
      nats: coreNats,
      dsn: "postgres://nobody@127.0.0.1:1/none",
      env: { MIO_NATS_USER: "core" },
    });
    const vault = mediaVault.run(context);

    const agentNats = await login(agent);
    const bus = busOf(agentNats, inboxPrefixOf(busUserOf(agent)));
    const stop = new AbortController();
    const seen: number[] = [];
    const reader = createLogReader(bus, {
      stream: streams.enriched.name,
      group: "helper",
      instance: "one",
      partitions: () => ["0", "1"],
      filterOf: () => `mio.inbound_enriched.*.${accountId}.>`,
      partitionOf: () => "0",
      work: (work) =>
        createLanes(
          {
            laneOf: (record) => record.subject,
            handle: async (record) => void seen.push(record.sequence),
            park: async () => {},
            clock: bus.clock,
            random: bus.random,
          },
          work,
        ),
      times: { heartbeatMs: 200, claimAfterMs: 1_000, commitMs: 50 },
    });
    const reading = reader.run(stop.signal);
    for (let number = 1; number <= 50; number += 1) {
      await coreNats
        .jetstream()
        .publish(inboundSubjectOf("a"), encodeMessage(testMessage({ conversation: "a", source: `a-${number}` })));
    }
    await eventually("all read", () => seen.length === 50);
    await eventually("the position", () => reader.status().some((each) => each.position === 50));
    stop.abort();
    context.stop();
    await Promise.all([reading, vault]);
    expect(refused).toEqual([]);
    await Promise.all([agentNats.close(), coreNats.close()]);
  });
});
