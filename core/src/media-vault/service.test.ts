// media-vault from a real inbound stream to a real enriched one: once, in order, over takeovers, and with poison on the way.
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import { busOf } from "@mio/proving/kit/bus/bus.ts";
import { headers, type NatsConnection } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { dedupeWindowPassed } from "@mio/proving/kit/bus/dedupe-window.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { type TestContext, testContext } from "@mio/proving/kit/core/context.ts";
import { accountId, inboundSubjectOf, sourcesOn, storedOn, testMessage } from "@mio/proving/kit/core/ingress.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { streamStateOf } from "@mio/shared/bus/client/jetstream-api.ts";
import { inboundMessageId } from "@mio/shared/bus/names/headers.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { encodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { deadLetterHeaders } from "@mio/shared/bus/write/dead-letter.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { provisionBus } from "../bus/provision.ts";
import { mediaVault } from "./service.ts";

const enriched = streams.enriched.name;
let server: NatsServer;
let nats: NatsConnection;
let bus: Bus;
let running: Running[] = [];

interface Running {
  context: TestContext;
  ended: Promise<void>;
  nats: NatsConnection;
}

beforeAll(async () => {
  server = await testNats();
  nats = await connectTo(server.url);
  bus = busOf(nats, "_INBOX");
});

afterAll(async () => {
  await nats?.close();
  await server?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  const manager = await nats.jetstreamManager();
  for await (const stream of manager.streams.list()) await manager.streams.delete(stream.config.name);
  await provision();
});

afterEach(async () => {
  for (const each of [...running]) await end(each);
});

/** With so short a dedupe window that nothing here can rest on it. */
async function provision(): Promise<void> {
  await provisionBus(nats, { streamReplicas: 1, streamBytesMax: 2 * 1024 ** 3 });
  await (await nats.jetstreamManager()).streams.update(enriched, { duplicate_window: 100_000_000 });
}

/** Provisioning gives the other streams their usual window back for a moment, so nothing may be left that it could remember. */
async function recreateInbound(): Promise<void> {
  await windowPassed();
  await (await nats.jetstreamManager()).streams.delete(streams.inbound.name);
  await provision();
}

const windowPassed = () => dedupeWindowPassed(nats, enriched, "mio.inbound_enriched.forgotten");

async function start(): Promise<Running> {
  const own = await connectTo(server.url, { inboxPrefix: "_INBOX_core" });
  const context = testContext({ nats: own, dsn: "postgres://nobody@127.0.0.1:1/none" });
  const ended = mediaVault.run(context);
  ended.catch(() => {});
  const process = { context, ended, nats: own };
  running.push(process);
  return process;
}

async function end(process: Running): Promise<void> {
  running = running.filter((each) => each !== process);
  process.context.stop();
  await process.ended;
  await process.context[Symbol.asyncDispose]();
  await process.nats.close();
}

/** As a kill would have it: nothing is given back. */
async function kill(process: Running): Promise<void> {
  running = running.filter((each) => each !== process);
  await process.nats.close();
  await process.context[Symbol.asyncDispose]();
}

async function send(conversation: string, number: number): Promise<void> {
  const source = `${conversation}-${number}`;
  const options = headers();
  options.set("traceparent", "00-1-2-01");
  const data = encodeMessage(testMessage({ conversation, source }));
  const publish = () =>
    nats
      .jetstream()
      .publish(inboundSubjectOf(conversation), data, { headers: options, msgID: inboundMessageId(accountId, source) });
  for (let sent = false; !sent; )
    sent = await publish().then(
      () => true,
      () => false,
    );
}

const conversations = ["a", "b", "c", "d", "e"];

async function sendAll(from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number += 1) for (const conversation of conversations) await send(conversation, number);
}

function enrichedSubjectOf(conversation: string): string {
  return inboundSubjectOf(conversation).replace("mio.inbound.", "mio.inbound_enriched.");
}

async function untilEnriched(count: number): Promise<void> {
  await eventually(`${count} enriched`, async () => (await storedOn(bus, enriched, "mio.inbound_enriched.>")).length >= count);
}

describe("media-vault", () => {
  it("G3, G4: passes each message on once, in order, with its trace and its origin", async () => {
    await start();
    await sendAll(1, 20);
    await untilEnriched(100);
    for (const conversation of conversations) {
      expect(await sourcesOn(bus, enriched, enrichedSubjectOf(conversation))).toEqual(
        Array.from({ length: 20 }, (_, index) => `${conversation}-${index + 1}`),
      );
    }
    const [first] = await storedOn(bus, enriched, enrichedSubjectOf("a"));
    expect(first?.headers.get("Nats-Msg-Id")).toBe(`enr:${testMessage({ conversation: "a", source: "a-1" }).id}`);
    expect(first?.headers.get("traceparent")).toBe("00-1-2-01");
    const { streamEpochMs } = await streamStateOf(bus, streams.inbound.name);
    expect(first?.headers.get("Mio-Origin")).toBe(`${streamEpochMs}.1.0`);
  });

  it("G2, G3, G4: over a stop, a kill, a newcomer and a killed server each message comes once and in order", async () => {
    const first = await start();
    const second = await start();
    const sending = sendAll(1, 40);
    await untilEnriched(30);
    await end(first);
    await untilEnriched(50);
    await start();
    await kill(second);
    await server.kill();
    await server.restart();
    await sending;
    await untilEnriched(200);
    for (const conversation of conversations) {
      expect(await sourcesOn(bus, enriched, enrichedSubjectOf(conversation))).toEqual(
        Array.from({ length: 40 }, (_, index) => `${conversation}-${index + 1}`),
      );
    }
  });

  it("G3: reads everything again after its positions are gone, and publishes nothing again", async () => {
    const first = await start();
    await sendAll(1, 5);
    await untilEnriched(25);
    await end(first);
    const manager = await nats.jetstreamManager();
    await manager.streams.purge("KV_mio_positions");
    await windowPassed();
    await start();
    await sendAll(6, 6);
    await untilEnriched(30);
    for (const conversation of conversations) {
      expect(await sourcesOn(bus, enriched, enrichedSubjectOf(conversation))).toEqual(
        Array.from({ length: 6 }, (_, index) => `${conversation}-${index + 1}`),
      );
    }
  });

  it("G2, G3, G4: an inbound stream that is recreated while it runs and between runs: nothing is lost, nothing doubled", async () => {
    const first = await start();
    await sendAll(1, 5);
    await untilEnriched(25);
    await recreateInbound();
    await sendAll(6, 8);
    await untilEnriched(40);
    await end(first);
    await recreateInbound();
    // What dedup had published and not yet marked, it publishes into the new stream again; then the stream grows past the position.
    await sendAll(7, 12);
    const { context } = await start();
    await untilEnriched(60);
    for (const conversation of conversations) {
      expect(await sourcesOn(bus, enriched, enrichedSubjectOf(conversation))).toEqual(
        Array.from({ length: 12 }, (_, index) => `${conversation}-${index + 1}`),
      );
    }
    expect(JSON.stringify(context.sections.get("media_vault")?.())).toMatch(/"stream_recreated":[1-9].*"alarms":{}/);
  });

  it("alarms when the stream was restored, and no longer once its positions are reset", async () => {
    const first = await start();
    await sendAll(1, 2);
    await untilEnriched(10);
    await end(first);
    // The same stream, and positions that it has not reached: as after a restore from an earlier copy.
    const manager = await nats.jetstreamManager();
    const { streamEpochMs } = await streamStateOf(bus, streams.inbound.name);
    for (let partition = 0; partition < 8; partition += 1) {
      const entry = { owner: "", epoch: 1, position: 100, finished: [], generation: streamEpochMs };
      await nats.jetstream().publish(`$KV.mio_positions.media-vault.${partition}`, JSON.stringify(entry));
    }
    await send("f", 1);
    const { context } = await start();
    const section = () => JSON.stringify(context.sections.get("media_vault")?.());
    await eventually("an alarm", () => section().includes("before our position"));
    expect(section()).toContain('"duplicates_outside_retries":0');
    // What the log line asks for.
    await manager.streams.purge("KV_mio_positions");
    await eventually("no alarm", () => section().includes('"alarms":{}'));
    await untilEnriched(11);
  });

  it("keeps poison as dead letters, and goes on behind it", async () => {
    await start();
    const message = testMessage({ conversation: "b", source: "b-1" });
    const subject = inboundSubjectOf("a");
    const jetstream = nats.jetstream();
    await jetstream.publish(subject, new Uint8Array([255, 1, 2]));
    await jetstream.publish(subject, new Uint8Array(0));
    await jetstream.publish(subject, encodeMessage(message));
    await jetstream.publish("mio.inbound.what", encodeMessage(message));
    await send("a", 1);
    await untilEnriched(1);
    await eventually(
      "four dead letters",
      async () => (await storedOn(bus, streams.deadLetter.name, "mio.dead_letter.media-vault.>")).length === 4,
    );
    const letters = await storedOn(bus, streams.deadLetter.name, "mio.dead_letter.media-vault.>");
    const odd = letters.find((letter) => letter.headers.get(deadLetterHeaders.reason).includes("conversation_id"));
    expect(odd?.headers.get(deadLetterHeaders.tenantId)).toBe(message.tenantId);
    expect(odd?.headers.get(deadLetterHeaders.senderExternalId)).toBe("U1");
    expect(await sourcesOn(bus, enriched, "mio.inbound_enriched.>")).toEqual(["a-1"]);
  });
});
