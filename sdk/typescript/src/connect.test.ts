// The SDK against a real bus: order, replicas, crashes between send and ack, parking, receipts.

import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DeliveryReceipt_State, DeliveryReceiptSchema } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { type Message, MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { type JetStreamManager, RetentionPolicy } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { buckets, streams } from "@mio/shared/bus/names/streams.ts";
import { subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { busUserOf, permissionsOf } from "@mio/shared/bus/names/users.ts";
import { decodeCommand, decodeMessage, encodeMessage, encodeReceipt, schemaVersion } from "@mio/shared/bus/wire/envelope.ts";
import { deadLetterHeaders } from "@mio/shared/bus/write/dead-letter.ts";
import { type AccountId, conversationIdOf, messageIdOf, type SourceMessageId } from "@mio/shared/ids.ts";
import { afterAll, afterEach, expect, it } from "vitest";
import { type Connection, connect } from "./connect.ts";
import { ParkMessage } from "./handling.ts";

const account = "22222222-2222-5222-8222-222222222222" as AccountId;
const agent = { role: "agent", name: "quoter", accounts: [account] } as const;
const server = await testNats({
  users: [
    { user: "operator", password: "o" },
    { user: busUserOf(agent), password: "a", permissions: permissionsOf(agent) },
  ],
});
const operator = await connectTo(server.url, { user: "operator", pass: "o" });
await provision(await operator.jetstreamManager());
const opened: Connection[] = [];
const stops: AbortController[] = [];
let sequence = 0;

afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  for (const each of opened.splice(0)) await each.close();
  await operator
    .jetstream()
    .views.kv(buckets.positions.name)
    .then((kv) => kv.destroy());
  const manager = await operator.jetstreamManager();
  await operator.jetstream().views.kv(buckets.positions.name, { history: 1 });
  for (const name of [streams.enriched.name, streams.outbound.name, streams.deadLetter.name]) await manager.streams.purge(name);
});
afterAll(async () => {
  await operator.close();
  await server.stop();
});

async function provision(manager: JetStreamManager): Promise<void> {
  for (const spec of [streams.enriched, streams.outbound, streams.receipt, streams.deadLetter]) {
    const retention = spec.retention === "workqueue" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits;
    await manager.streams.add({ name: spec.name, subjects: [...spec.subjects], retention, allow_direct: true });
  }
  await operator.jetstream().views.kv(buckets.positions.name, { history: 1 });
}

async function open(): Promise<Connection> {
  const made = await connect({
    servers: [server.url],
    user: busUserOf(agent),
    password: "a",
    group: agent.name,
    accounts: [account],
  });
  opened.push(made);
  return made;
}

function stopper(): AbortController {
  const stop = new AbortController();
  stops.push(stop);
  return stop;
}

async function arrive(conversation: string, text: string): Promise<Message> {
  const source = `${conversation}:${++sequence}` as SourceMessageId;
  const conversationId = conversationIdOf(account, conversation);
  const message = create(MessageSchema, {
    id: messageIdOf(account, source),
    schemaVersion: 1,
    tenantId: "11111111-1111-5111-8111-111111111111",
    accountId: account,
    channelType: "test",
    conversationId,
    conversationExternalId: conversation,
    sourceMessageId: source,
    text,
    sender: { externalId: "ann" },
    receivedAt: timestampFromMs(1_700_000_000_000 + sequence),
  });
  await operator
    .jetstream()
    .publish(
      subjectOf({ direction: "inbound_enriched", channelType: "test", accountId: account, conversationId }),
      encodeMessage(message),
    );
  return message;
}

async function commands(): Promise<string[]> {
  const manager = await operator.jetstreamManager();
  const { state } = await manager.streams.info(streams.outbound.name);
  const found: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const decoded = decodeCommand((await manager.streams.getMessage(streams.outbound.name, { seq })).data);
    if (decoded.kind === "command") found.push(decoded.command.text);
  }
  return found;
}

it("G4: hands over each conversation in order, one at a time, conversations side by side", async () => {
  const mio = await open();
  const stop = stopper();
  const seen: string[] = [];
  const busy = new Set<string>();
  const overlaps: string[] = [];
  let together = 0;
  for (let index = 0; index < 60; index += 1) await arrive(`c${index % 6}`, String(index));
  const consuming = mio.consume(
    async (message) => {
      if (busy.has(message.conversationId)) overlaps.push(message.text);
      busy.add(message.conversationId);
      together = Math.max(together, busy.size);
      await new Promise((resolve) => setTimeout(resolve, 3));
      busy.delete(message.conversationId);
      seen.push(message.text);
    },
    { signal: stop.signal },
  );
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(60);
  for (let conversation = 0; conversation < 6; conversation += 1) {
    const own = seen.map(Number).filter((each) => each % 6 === conversation);
    expect(own).toEqual([...own].sort((a, b) => a - b));
  }
  expect(overlaps).toEqual([]);
  expect(together).toBeGreaterThan(1);
  stop.abort();
  await consuming;
});

it("G6: makes nothing twice when an agent died between its send and its ack", async () => {
  await arrive("crash", "hello");
  const first = await open();
  const stop = stopper();
  let died = () => {};
  const sent = new Promise<void>((resolve) => {
    died = resolve;
  });
  const dying = first.consume(
    async (_message, handling) => {
      await handling.reply({ text: "answer" });
      died();
      await new Promise(() => {});
    },
    { signal: stop.signal },
  );
  dying.catch(() => {});
  await sent;
  await first.close();

  const second = await open();
  const stopSecond = stopper();
  let handled = 0;
  const consuming = second.consume(
    async (_message, handling) => {
      await handling.reply({ text: "answer" });
      handled += 1;
    },
    { signal: stopSecond.signal },
  );
  await expect.poll(() => handled, { timeout: 30_000 }).toBe(1);
  expect(await commands()).toEqual(["answer"]);
  stopSecond.abort();
  await consuming;
});

it("parks a message that fails for good and goes on with its conversation", async () => {
  const mio = await open();
  const stop = stopper();
  const handled: string[] = [];
  const parked: string[] = [];
  const arrived: Message[] = [];
  for (const text of ["good", "poison", "hopeless", "also good"]) arrived.push(await arrive("lane", text));
  const consuming = mio.consume(
    async (message, handling) => {
      if (message.text === "poison") throw new Error(`try ${handling.attempt}`);
      if (message.text === "hopeless") throw new ParkMessage("no use");
      handled.push(message.text);
    },
    { signal: stop.signal, attempts: 2, onParked: (message) => parked.push(message.text) },
  );
  await expect.poll(() => handled, { timeout: 20_000 }).toEqual(["good", "also good"]);
  expect(parked).toEqual(["poison", "hopeless"]);
  const manager = await operator.jetstreamManager();
  const { first_seq: first, messages } = (await manager.streams.info(streams.deadLetter.name)).state;
  expect(messages).toBe(2);
  const deadLetters = await Promise.all(
    [0, 1].map((index) => manager.streams.getMessage(streams.deadLetter.name, { seq: first + index })),
  );
  const reasons = ["its handler failed 2 times, at last with Error", "its handler parked it at attempt 1"];
  for (const [index, deadLetter] of deadLetters.entries()) {
    const said = (name: string) => deadLetter.header.get(name);
    expect(deadLetter.subject).toMatch(/^mio\.dead_letter\.agent-quoter\.MESSAGES_INBOUND_ENRICHED-\d+$/);
    expect(decodeURI(said(deadLetterHeaders.reason))).toBe(reasons[index]);
    expect(said(deadLetterHeaders.source)).toMatch(/^MESSAGES_INBOUND_ENRICHED \d+$/);
    expect(said(deadLetterHeaders.accountId)).toBe(account);
    expect(said(deadLetterHeaders.tenantId)).toBe(arrived[0]?.tenantId);
    expect(said(deadLetterHeaders.conversationId)).toBe(arrived[0]?.conversationId);
    expect(said(deadLetterHeaders.senderExternalId)).toBe("ann");
    expect(decodeMessage(deadLetter.data)).toMatchObject({ kind: "message", message: { id: arrived[index + 1]?.id } });
  }
  stop.abort();
  await consuming;
});

it("passes over what it cannot read: other versions, nonsense, and payloads at odds with their subject", async () => {
  const mio = await open();
  const stop = stopper();
  const message = await arrive("ugly", "first");
  const subject = subjectOf({
    direction: "inbound_enriched",
    channelType: "test",
    accountId: account,
    conversationId: message.conversationId as never,
  });
  const elsewhere = subject.replace(message.conversationId, conversationIdOf(account, "elsewhere"));
  await operator.jetstream().publish(subject, new Uint8Array([255, 255, 1]));
  await operator.jetstream().publish(subject, encodeMessage({ ...message }).slice(0, 7));
  await operator.jetstream().publish(elsewhere, encodeMessage(message));
  await operator.jetstream().publish(subject, toBinary(MessageSchema, { ...message, schemaVersion: 2, text: "of the future" }));
  await arrive("ugly", "last");
  const handled: string[] = [];
  const trouble: string[] = [];
  const consuming = mio.consume(async (each) => void handled.push(each.text), {
    signal: stop.signal,
    onTrouble: (error) => trouble.push(String(error)),
  });
  await expect.poll(() => handled, { timeout: 20_000 }).toEqual(["first", "last"]);
  const passedOver = trouble.filter((line) => line.includes("passed over"));
  expect(passedOver).toHaveLength(4);
  expect(passedOver.filter((line) => line.includes("other_version"))).not.toEqual([]);
  stop.abort();
  await consuming;
});

it("finds the final receipt of a command, also one that was there before the question", async () => {
  const mio = await open();
  const message = await arrive("receipts", "hello");
  const stop = stopper();
  const done = new Promise<void>((resolve, reject) => {
    void mio.consume(
      async (_message, handling) => {
        const command = await handling.reply({ text: "answer" });
        const subject = subjectOf({
          direction: "receipt",
          channelType: "test",
          accountId: account,
          conversationId: message.conversationId as never,
        });
        // None of these is the command's receipt, whatever its id says.
        const foreign = create(DeliveryReceiptSchema, { schemaVersion, commandId: command.id, accountId: "other", final: true });
        await operator.jetstream().publish(subject, encodeReceipt(foreign));
        await operator.jetstream().publish(subject, toBinary(DeliveryReceiptSchema, { ...foreign, schemaVersion: 2 }));
        await operator.jetstream().publish(subject, new Uint8Array([255, 255, 1]));
        for (const state of [DeliveryReceipt_State.ACCEPTED, DeliveryReceipt_State.SENT]) {
          const final = state === DeliveryReceipt_State.SENT;
          const receipt = create(DeliveryReceiptSchema, {
            schemaVersion,
            channelType: "test",
            accountId: account,
            conversationId: message.conversationId,
            commandId: command.id,
            state,
            final,
            externalIds: ["p1"],
          });
          await operator.jetstream().publish(subject, encodeReceipt(receipt));
        }
        const trouble: string[] = [];
        const onTrouble = (error: unknown) => void trouble.push(String(error));
        const receipt = await mio.awaitReceipt(command, { timeoutMs: 10_000, onTrouble });
        expect(trouble.map((line) => line.split(": ").at(-1))).toEqual([
          "channel_type differs from the subject's",
          "other_version",
          "undecodable",
        ]);
        expect(receipt).toMatchObject({ state: DeliveryReceipt_State.SENT, externalIds: ["p1"] });
        await expect(mio.awaitReceipt({ ...command, id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }, { timeoutMs: 300 })).rejects.toThrow(
          /no final receipt/,
        );
        resolve();
      },
      { signal: stop.signal, attempts: 1, onParked: (_message, error) => reject(error) },
    );
  });
  await done;
});

it("reports messages that left the stream before it could read them, and a stream that was recreated", async () => {
  const trouble: string[] = [];
  const handled: string[] = [];
  async function consuming(): Promise<() => Promise<void>> {
    const mio = await open();
    const stop = stopper();
    const running = mio.consume(async (each) => void handled.push(each.text), {
      signal: stop.signal,
      onTrouble: (error) => trouble.push(String(error)),
    });
    return async () => {
      stop.abort();
      await running;
      await mio.close();
    };
  }
  const manager = await operator.jetstreamManager();
  await arrive("gone", "read");
  const stopFirst = await consuming();
  await expect.poll(() => handled, { timeout: 20_000 }).toEqual(["read"]);
  await stopFirst();

  for (const text of ["lost", "lost too"]) await arrive("gone", text);
  await manager.streams.purge(streams.enriched.name);
  await arrive("gone", "read again");
  const stopSecond = await consuming();
  await expect.poll(() => handled, { timeout: 20_000 }).toEqual(["read", "read again"]);
  expect(trouble.filter((line) => /2 sequences from \d+ on left/.test(line))).not.toEqual([]);
  await stopSecond();

  const { config } = await manager.streams.info(streams.enriched.name);
  await manager.streams.delete(streams.enriched.name);
  await manager.streams.add(config);
  await arrive("gone", "in the new stream");
  const stopThird = await consuming();
  await expect.poll(() => trouble.filter((line) => line.includes("recreated")), { timeout: 20_000 }).not.toEqual([]);
  await stopThird();
});
