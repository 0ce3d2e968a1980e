// One pull of a durable consumer, against a real server that is cut off, and whose consumer is deleted meanwhile.
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import { makeStream, type TestBus, testBus } from "@mio/proving/kit/bus/bus.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDurable, deleteDurable, durableOf, nanosecondsPerMs } from "../client/stream-admin.ts";
import { type Pulled, pull } from "./pull.ts";

const durable = "reader";
const never = new AbortController().signal;

let server: NatsServer;
let client: TestBus;
let streams = 0;

beforeAll(async () => {
  server = await testNats();
  client = await testBus(server.url);
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** A stream with that many messages, and a consumer that has delivered none of them. */
async function freshStream(messages: number): Promise<string> {
  const name = `PULL${++streams}`;
  await makeStream(client.nats, name, [`pull${streams}`]);
  for (let sent = 0; sent < messages; sent += 1) await client.nats.jetstream().publish(name.toLowerCase(), String(sent + 1));
  await createDurable(client.bus, name, {
    durable_name: durable,
    filter_subject: name.toLowerCase(),
    ack_policy: "explicit",
    deliver_policy: "all",
    ack_wait: 60_000 * nanosecondsPerMs,
  });
  return name;
}

async function all(pulling: AsyncIterable<Pulled>): Promise<Pulled[]> {
  const pulled: Pulled[] = [];
  for await (const each of pulling) pulled.push(each);
  return pulled;
}

it("gives out what there is in stream order and ends when its time is over; what is acknowledged does not come again", async () => {
  const stream = await freshStream(3);
  const first = await all(pull(client.bus, stream, durable, { messagesMax: 10, expiresMs: 1_000, signal: never }));
  expect(first.map(({ sequence, delivery }) => [sequence, delivery])).toEqual([1, 2, 3].map((each) => [each, each]));
  expect(first.map(({ message }) => new TextDecoder().decode(message.data))).toEqual(["1", "2", "3"]);
  for (const { acknowledge } of first) acknowledge();
  await eventually("they are acknowledged", async () => {
    const consumer = await (await client.nats.jetstreamManager()).consumers.info(stream, durable);
    return consumer.num_ack_pending === 0;
  });
  expect(await all(pull(client.bus, stream, durable, { messagesMax: 10, expiresMs: 1_000, signal: never }))).toEqual([]);
  expect(await durableOf(client.bus, stream, durable)).toEqual({ filterSubject: stream.toLowerCase(), deliveries: 3 });
});

it("ends at once when all that it asked for have come, or when it is stopped", async () => {
  const stream = await freshStream(3);
  const two = await all(pull(client.bus, stream, durable, { messagesMax: 2, expiresMs: 60_000, signal: never }));
  expect(two.map(({ sequence }) => sequence)).toEqual([1, 2]);
  const stop = new AbortController();
  for await (const { sequence } of pull(client.bus, stream, durable, {
    messagesMax: 2,
    expiresMs: 60_000,
    signal: stop.signal,
  })) {
    expect(sequence).toBe(3);
    stop.abort();
  }
  expect(await all(pull(client.bus, stream, durable, { messagesMax: 2, expiresMs: 60_000, signal: stop.signal }))).toEqual([]);
});

it("throws when the consumer is gone, before or meanwhile", async () => {
  const stream = await freshStream(1);
  const pulling = all(
    (async function* () {
      for await (const each of pull(client.bus, stream, durable, { messagesMax: 5, expiresMs: 60_000, signal: never })) {
        yield each;
        await deleteDurable(client.bus, stream, durable);
      }
    })(),
  );
  await expect(pulling).rejects.toThrow(/409 .*deleted/i);
  const none = all(pull(client.bus, stream, durable, { messagesMax: 5, expiresMs: 60_000, signal: never }));
  await expect(none).rejects.toThrow(/503/);
  expect(await durableOf(client.bus, stream, durable)).toBeUndefined();
});

it("ends when the server falls silent, long before its time is over", async () => {
  await using lost = await testNats();
  await using to = await testBus(lost.url);
  await makeStream(to.nats, "SILENT", ["silent"]);
  await createDurable(to.bus, "SILENT", {
    durable_name: durable,
    filter_subject: "silent",
    ack_policy: "explicit",
    deliver_policy: "all",
  });
  const pulling = all(pull(to.bus, "SILENT", durable, { messagesMax: 5, expiresMs: 600_000, signal: never }));
  await to.nats.flush();
  lost.pause();
  expect(await pulling).toEqual([]);
});
