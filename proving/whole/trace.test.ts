// One request's W3C trace context on its whole way in: from the webhook's header to the ingress event, the message on the inbound stream and
// the enriched one, through the edge's real app, dedup and media-vault.

import { createHmac } from "node:crypto";
import { createAccount } from "@mio/core/control/accounts/operation.ts";
import { createTenant } from "@mio/core/control/tenants/operation.ts";
import { publishDirectory } from "@mio/core/directory/directory-loop.ts";
import { mediaVault } from "@mio/core/media-vault/service.ts";
import { createApp } from "@mio/edge/app.ts";
import { Directory } from "@mio/edge/directory/directory.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { traceparentHeader } from "@mio/shared/bus/names/headers.ts";
import { buckets, streams } from "@mio/shared/bus/names/streams.ts";
import { ingressSubject } from "@mio/shared/bus/names/subjects.ts";
import { decodeIngressEvent, decodeIngressGroup, encodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import { sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { testInbound } from "@mio/shared/channels/test/inbound.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { expect, it } from "vitest";
import { testSealingKeys } from "../kit/bus/directory-keys.ts";
import { testContext } from "../kit/core/context.ts";
import { storedOn } from "../kit/core/ingress.ts";
import { testControl, testSecrets } from "../kit/database/secrets.ts";
import { all, bus, db, inbound, nats, start, useStand } from "../kit/dedup/stand.ts";
import { eventually } from "../kit/time/eventually.ts";

useStand();

const channel = testInbound.channel.slug;
const secret = "s-1";
const clock = clockOf(globalThis);
const random = randomOf(globalThis.crypto);
const sealer = sealerOf(testSealingKeys, random);
const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const made = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/;

/** Sends one webhook. Returns the line that the edge logged. */
async function send(id: string, headers: Record<string, string>): Promise<Readonly<Record<string, unknown>>> {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const bucket = await nats.jetstream().views.kv(buckets.directory.name);
  const lookup = async (keys: string[]) => {
    const entries = await Promise.all(keys.map((key) => bucket.get(key)));
    return { values: entries.map((entry) => entry?.value), whole: true };
  };
  const app = createApp({
    doors: [testInbound],
    directory: new Directory({ lookup }, sealer, clock, "elsewhere"),
    store: async ({ region, shard }, events) => {
      const group = encodeIngressGroup({ id: crypto.randomUUID(), region, shard, events });
      await nats.jetstream().publish(ingressSubject(region, shard), group);
      return { kind: "stored", spooled: false };
    },
    close: async () => ({ kind: "stored", spooled: false }),
    askCore: async () => ({ kind: "away" }),
    clock,
    random,
    region: "elsewhere",
    health: async () => ({ directory: undefined, shards: [] }),
    log: (line) => void lines.push(line),
  });
  const seconds = Math.floor(clock.nowMs() / 1_000);
  const event = { conversation: "room", id, user: "u1", kind: "message", text: id, at_ms: clock.nowMs() };
  const body = JSON.stringify({ workspace: "W1", events: [event] });
  const signature = createHmac("sha256", secret).update(`${seconds}.`).update(body).digest("hex");
  const request = new Request(`https://edge.test/webhooks/${channel}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-test-signature": `t=${seconds},v1=${signature}`, ...headers },
    body,
  });
  expect((await app.fetch(request)).status).toBe(200);
  return lines[0] ?? {};
}

async function headersOn(from: Bus, stream: string, filter: string): Promise<string[]> {
  return (await storedOn(from, stream, filter)).map(({ headers }) => headers.get(traceparentHeader) ?? "");
}

it("follows one request's trace context from its header to the enriched message, and makes one where it is missing or wrong", async () => {
  await createTenant(testControl(db), "acme");
  const verification = [{ scheme: "hmac-sha256-timestamped", value: secret }];
  await createAccount(testControl(db), { tenant: "acme", channelType: channel, externalId: "W1", verification }, [channel]);
  await publishDirectory(bus, { db, ring: testSecrets(db).ring }, sealer, clock.nowMs(), 1);
  await start();
  await using context = testContext({ nats, dsn: db.options.connectionString ?? "" });
  const vault = mediaVault.run(context);

  const logged = await send("1", { traceparent: given, tracestate: "somebody=else" });
  expect(logged).toMatchObject({ trace_id: "0af7651916cd43dd8448eb211c80319c" });
  const wrong = ["", "00-0-0-0", given.replace("00-", "ff-"), given.toUpperCase(), `${given}, ${given}`];
  const ids = [];
  for (const [index, traceparent] of wrong.entries())
    ids.push((await send(String(index + 2), traceparent === "" ? {} : { traceparent })).trace_id);

  const arrived = (await storedOn(bus, streams.ingress.name, "mio.ingress.>")).flatMap(({ data }) => {
    const decoded = decodeIngressGroup(data);
    if (decoded.kind !== "group") throw new Error(decoded.kind);
    return decoded.group.events.map((bytes) => {
      const event = decodeIngressEvent(bytes);
      return event.kind === "event" ? event.event.traceparent : event.kind;
    });
  });
  expect(arrived[0]).toBe(given);
  for (const each of arrived.slice(1)) expect(each).toMatch(made);
  expect(arrived.slice(1).map((each) => each.slice(3, 35))).toEqual(ids);
  expect(new Set(arrived).size).toBe(1 + wrong.length);

  // One conversation: the order is that of their coming.
  await eventually(
    "all are enriched",
    async () => (await headersOn(bus, streams.enriched.name, "mio.inbound_enriched.>")).length === 6,
  );
  expect(await headersOn(bus, inbound, all)).toEqual(arrived);
  expect(await headersOn(bus, streams.enriched.name, "mio.inbound_enriched.>")).toEqual(arrived);
  context.stop();
  await vault;
});
