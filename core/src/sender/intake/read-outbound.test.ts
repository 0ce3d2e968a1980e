// What arrives of the outbound queue, as tables; and what becomes of a reader whose consumer is gone.
import { testBus } from "@mio/proving/kit/bus/bus.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { deleteDurable } from "@mio/shared/bus/client/stream-admin.ts";
import { senderDurable, streams } from "@mio/shared/bus/names/streams.ts";
import { subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { accountIdOf, conversationIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { describe, expect, it } from "vitest";
import { provisionBus } from "../../bus/provision.ts";
import { arrivalOf, readOutbound, takeReads } from "./read-outbound.ts";

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

it("G5: keeps what ended the reading for who asks, and until then writing goes on", async () => {
  await using server = await testNats();
  await using client = await testBus(server.url);
  await provisionBus(client.nats, { streamReplicas: 1, streamBytesMax: 1024 ** 3 });
  const subject = subjectOf({ direction: "outbound", channelType: "alpha", accountId, conversationId });
  await client.nats.jetstream().publish(subject, "a command");
  const reader = await readOutbound(client.bus, 0, new AbortController().signal);
  const reads = await reader.next();
  expect(reads.map(({ incoming }) => incoming.streamSequence)).toEqual([1]);
  // As when another leader begins, while what was read is being written: nobody listens to the reader now.
  await deleteDurable(client.bus, streams.outbound.name, senderDurable.name);
  expect(await reader.next()).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  await expect(reader.end()).rejects.toThrow(/pulling from|the consumer is gone/);
});
