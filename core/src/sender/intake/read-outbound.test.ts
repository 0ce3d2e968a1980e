// What arrives of the outbound queue, as tables; and what becomes of it over a lost acknowledgement and a lost consumer.
import { testBus } from "@mio/proving/kit/bus/bus.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { deleteDurable, durableOf, streamOf } from "@mio/shared/bus/client/stream-admin.ts";
import { senderDurable, streams } from "@mio/shared/bus/names/streams.ts";
import { subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { accountIdOf, conversationIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { describe, expect, it } from "vitest";
import { provisionBus } from "../../bus/provision.ts";
import { arrivalOf, type Read, readOutbound, takeReads } from "./read-outbound.ts";

const accountId = accountIdOf(tenantIdOf("acme"), "alpha", "a");
const conversationId = conversationIdOf(accountId, "general");

describe("a message that arrives, with 10 in the ledger and 13 in hand", () => {
  const cases: [number, ReturnType<typeof arrivalOf>][] = [
    [1, { kind: "written" }],
    [10, { kind: "written" }],
    [11, { kind: "in_hand" }],
    [13, { kind: "in_hand" }],
    [14, { kind: "new", lostBefore: 0 }],
    [17, { kind: "new", lostBefore: 3 }],
  ];
  it.each(cases)("is, as %d, %o", (sequence, arrival) => {
    expect(arrivalOf(sequence, 10, 13)).toEqual(arrival);
  });
});

describe("what is written together", () => {
  const cases: [string, number[], number[]][] = [
    ["is all there is, when it is small", [40, 60], [40, 60]],
    ["is what fits", [40, 40, 40], [40, 40]],
    ["is one that does not fit, alone", [400, 1], [400]],
    ["is nothing of nothing", [], []],
  ];
  it.each(cases)("%s", (_, sizes, taken) => {
    const buffer = sizes.map((size) => ({ incoming: { data: new Uint8Array(size) } }));
    expect(takeReads(buffer, 100).map(({ incoming }) => incoming.data.length)).toEqual(taken);
    expect(buffer).toHaveLength(sizes.length - taken.length);
  });
});

async function queued() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await testNats());
  const { nats, bus } = stack.use(await testBus(server.url));
  await provisionBus(nats, { streamReplicas: 1, streamBytesMax: 1024 ** 3 });
  const subject = subjectOf({ direction: "outbound", channelType: "alpha", accountId, conversationId });
  await nats.jetstream().publish(subject, "a command");
  return { nats, bus, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const sequencesOf = (reads: readonly Read[]) => reads.map(({ incoming }) => incoming.streamSequence);

it("G5: acknowledges what comes again once it is in the ledger, and not before", async () => {
  await using client = await queued();
  const stop = new AbortController();
  const reader = await readOutbound(client.bus, 0, stop.signal);
  expect(sequencesOf(await reader.next())).toEqual([1]);
  // As after an acknowledgement that was lost: the server delivers the message anew.
  const again = (delivery: number) => {
    const place = `${delivery}.1.${delivery}.0.0`;
    client.nats.publish(`$JS.ACK.${streams.outbound.name}.${senderDurable.name}.${place}`, "-NAK");
  };
  const deliveries = async () => (await durableOf(client.bus, streams.outbound.name, senderDurable.name))?.deliveries;
  again(1);
  await eventually("a second delivery", async () => (await deliveries()) === 2);
  const left = async () => (await streamOf(client.bus, streams.outbound.name))?.state.first_seq;
  expect(await left()).toBe(1);
  reader.written(1);
  again(2);
  await eventually("the queue forgets it", async () => (await left()) === 2);
  stop.abort();
  expect(await reader.next()).toEqual([]);
  await reader.end();
});

it("G5: keeps what ended the reading for who asks, and until then writing goes on", async () => {
  await using client = await queued();
  const reader = await readOutbound(client.bus, 0, new AbortController().signal);
  expect(sequencesOf(await reader.next())).toEqual([1]);
  // As when another leader begins, while what was read is being written: nobody listens to the reader now.
  await deleteDurable(client.bus, streams.outbound.name, senderDurable.name);
  expect(await reader.next()).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  await expect(reader.end()).rejects.toThrow(/pulling from|the consumer is gone/);
});
