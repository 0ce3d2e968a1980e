// Reading in order with several replicas on a real server: takeover, give-back, server killed. Handlers note what they saw; a message may
// be handled twice around a kill, but its first handling keeps the order, and nothing is left out.
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import { makeStream, type TestBus, testBus } from "@mio/proving/kit/bus/bus.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partitionOf } from "../../ids.ts";
import { createBatches } from "./batches.ts";
import { createLanes } from "./lanes.ts";
import { createLogReader, type LogReader, type LogReaderOptions } from "./log-reader.ts";
import type { LogRecord } from "./log-source.ts";
import type { WorkContext } from "./work.ts";

const times = { heartbeatMs: 100, claimAfterMs: 500, commitMs: 50 };
const partitions = 4;
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

interface Replica {
  reader: LogReader;
  bus: TestBus;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

interface Seen {
  conversation: string;
  number: number;
  by: string;
}

async function freshStream(): Promise<string> {
  const name = `READER${++streams}`;
  await makeStream(client.nats, name, [`reader${streams}.>`]);
  return name;
}

function conversationOf(record: LogRecord): string {
  return record.subject.split(".")[1] ?? "";
}

async function replica(stream: string, instance: string, seen: Seen[], change: Partial<LogReaderOptions> = {}): Promise<Replica> {
  const bus = await testBus(server.url);
  const stop = new AbortController();
  let dead = false;
  const work = (context: WorkContext) =>
    createLanes(
      {
        laneOf: conversationOf,
        handle: async (record, task) => {
          // Uneven work: without lanes a quick message would overtake a slow one.
          await bus.bus.clock.sleep(bus.bus.random.next() * 8);
          if (dead) await new Promise(() => {});
          if (!task.owned()) throw new Error("not ours any more");
          seen.push({
            conversation: conversationOf(record),
            number: Number(new TextDecoder().decode(record.data)),
            by: instance,
          });
        },
        park: async () => {},
        clock: bus.bus.clock,
        random: bus.bus.random,
      },
      context,
    );
  const reader = createLogReader(bus.bus, {
    stream,
    group: stream,
    instance,
    partitions: () => Array.from({ length: partitions }, (_, index) => String(index)),
    filterOf: () => `${stream.toLowerCase()}.>`,
    partitionOf: (record) => String(partitionOf(conversationOf(record), partitions)),
    work,
    times,
    ...change,
  });
  const running = reader.run(stop.signal);
  return {
    reader,
    bus,
    stop: async () => {
      stop.abort();
      await running;
      await bus[Symbol.asyncDispose]();
    },
    kill: async () => {
      dead = true;
      await bus[Symbol.asyncDispose]();
      stop.abort();
      await running;
    },
  };
}

async function publish(stream: string, conversations: readonly string[], from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number += 1) {
    for (const conversation of conversations) {
      const send = () =>
        client.nats
          .jetstream()
          .publish(`${stream.toLowerCase()}.${conversation}`, String(number), { msgID: `${conversation}-${number}` });
      for (let sent = false; !sent; )
        sent = await send().then(
          () => true,
          () => false,
        );
    }
  }
}

/** The first handling of each message, by conversation. */
function firstsOf(seen: readonly Seen[], conversation: string): number[] {
  return [...new Set(seen.filter((each) => each.conversation === conversation).map((each) => each.number))];
}

function range(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index + 1);
}

const conversations = Array.from({ length: 12 }, (_, index) => `c${index}`);

describe("a log reader", () => {
  it("G4: hands every message over once and in order, to two replicas that share the partitions", async () => {
    const stream = await freshStream();
    const seen: Seen[] = [];
    const a = await replica(stream, "a", seen);
    const b = await replica(stream, "b", seen);
    await eventually("a fair share", () => a.reader.status().length === 2 && b.reader.status().length === 2);
    await publish(stream, conversations, 1, 30);
    await eventually("all", () => seen.length >= conversations.length * 30);
    expect(seen.length).toBe(conversations.length * 30);
    for (const conversation of conversations) expect(firstsOf(seen, conversation)).toEqual(range(30));
    expect(new Set(seen.map((each) => each.by)).size).toBe(2);
    await Promise.all([a.stop(), b.stop()]);
  });

  it("G2, G4: over a stop, a kill, a newcomer and a killed server nothing is left out or out of order", async () => {
    const stream = await freshStream();
    const seen: Seen[] = [];
    let a = await replica(stream, "a", seen);
    const b = await replica(stream, "b", seen);
    const c = await replica(stream, "c", seen);
    await publish(stream, conversations, 1, 10);
    await a.stop();
    await publish(stream, conversations, 11, 20);
    await b.kill();
    await publish(stream, conversations, 21, 30);
    await server.kill();
    await server.restart();
    a = await replica(stream, "a2", seen);
    await publish(stream, conversations, 31, 40);
    await eventually("all", () => conversations.every((conversation) => firstsOf(seen, conversation).length === 40));
    for (const conversation of conversations) expect(firstsOf(seen, conversation)).toEqual(range(40));
    await Promise.all([a.stop(), c.stop()]);
  });

  it("goes on from the position: what was finished before a stop is not handled again", async () => {
    const stream = await freshStream();
    const seen: Seen[] = [];
    const a = await replica(stream, "a", seen);
    await publish(stream, conversations, 1, 5);
    await eventually("all", () => seen.length === 60);
    await a.stop();
    const b = await replica(stream, "b", seen);
    await publish(stream, conversations, 6, 6);
    await eventually("the new ones", () => seen.length >= 72);
    expect(seen.length).toBe(72);
    await b.stop();
  });

  it("keeps up with the stream while others' messages pass, so that nothing is called lost later", async () => {
    const stream = await freshStream();
    const lost: number[] = [];
    const filterOf = () => `${stream.toLowerCase()}.mine`;
    const events = { lostUnread: (_filter: string, _from: number, count: number) => void lost.push(count) };
    const seen: Seen[] = [];
    const a = await replica(stream, "a", seen, { filterOf, events });
    await publish(stream, ["mine"], 1, 1);
    await publish(stream, ["others"], 1, 50);
    await eventually("covered", () => a.reader.status().every((each) => each.position >= 51));
    await a.stop();
    await (await client.nats.jetstreamManager()).streams.purge(stream, { seq: 50 });
    const b = await replica(stream, "b", seen, { filterOf, events });
    await publish(stream, ["mine"], 2, 2);
    await eventually("the second", () => seen.length === 2);
    expect(lost).toEqual([]);
    await b.stop();
    // What really leaves the stream unread is said.
    await publish(stream, ["mine"], 3, 12);
    await (await client.nats.jetstreamManager()).streams.purge(stream, { seq: 60 });
    const c = await replica(stream, "c", seen, { filterOf, events });
    await eventually("a report", () => lost.length > 0);
    expect(lost[0]).toBeGreaterThan(0);
    await c.stop();
  });

  it("takes in batches what came meanwhile, and repeats only what a batch left over", async () => {
    const stream = await freshStream();
    const bus = client.bus;
    const batches: number[][] = [];
    let failures = 2;
    const work = (context: WorkContext) =>
      createBatches(
        {
          clock: bus.clock,
          random: bus.random,
          handle: async (records) => {
            await bus.clock.sleep(20);
            const numbers = records.map((record) => Number(new TextDecoder().decode(record.data)));
            if (numbers.includes(7) && failures-- > 0) return numbers.indexOf(7);
            batches.push(numbers);
            return numbers.length;
          },
        },
        context,
      );
    const a = await replica(stream, "a", [], { work, partitions: () => ["0"], partitionOf: () => "0" });
    await publish(stream, ["only"], 1, 20);
    await eventually("all", () => batches.flat().includes(20));
    const taken = batches.flat();
    expect([...new Set(taken)].length).toBe(taken.length);
    expect(taken.filter((number) => number >= 7)).toEqual(range(20).slice(6));
    expect(batches.length).toBeLessThan(20);
    await eventually("the position", () => a.reader.status()[0]?.position === 20);
    await a.stop();
  });
});
