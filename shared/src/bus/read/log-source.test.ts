// A stream read as a log, against a real server that is killed, paused, limited and slow to be read.
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import { makeStream, type TestBus, testBus } from "@mio/proving/kit/bus/bus.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { streamStateOf } from "../client/jetstream-api.ts";
import { type LogEvent, type LogSource, openLogSource } from "./log-source.ts";

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

async function freshStream(): Promise<string> {
  const name = `LOG${++streams}`;
  await makeStream(client.nats, name, [`log${streams}.>`]);
  return name;
}

async function publish(stream: string, token: string, count: number, bytes = 8): Promise<void> {
  const jetstream = client.nats.jetstream();
  const data = new Uint8Array(bytes);
  for (let sent = 0; sent < count; sent += 500) {
    await Promise.all(
      Array.from({ length: Math.min(500, count - sent) }, () => jetstream.publish(`${stream.toLowerCase()}.${token}`, data)),
    );
  }
}

/** Collects all events as they come. */
function collect(source: LogSource): LogEvent[] {
  const events: LogEvent[] = [];
  void (async () => {
    do {
      for (let event = source.take(); event; event = source.take()) events.push(event);
    } while (await source.readable());
  })();
  return events;
}

function sequencesOf(events: readonly LogEvent[]): number[] {
  return events.flatMap((event) => (event.kind === "record" ? [event.record.sequence] : []));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

describe("a log source", () => {
  it("G4: gives out a filter's records in order, from any sequence, with what the stream says about them", async () => {
    const stream = await freshStream();
    await publish(stream, "a", 5);
    await publish(stream, "b", 5);
    await publish(stream, "a", 5);
    const source = openLogSource(client.bus, { stream, filter: `${stream.toLowerCase()}.a`, from: 3 });
    const events = collect(source);
    await eventually("eight records", () => sequencesOf(events).length === 8);
    expect(sequencesOf(events)).toEqual([3, 4, 5, 11, 12, 13, 14, 15]);
    const last = events.findLast((event) => event.kind === "record");
    expect(last).toMatchObject({ record: { pending: 0, subject: `${stream.toLowerCase()}.a` } });
    await source.close();
  });

  it("says how far it is covered while others' records pass by", async () => {
    const stream = await freshStream();
    const source = openLogSource(client.bus, { stream, filter: `${stream.toLowerCase()}.a`, from: 1, heartbeatMs: 100 });
    const events = collect(source);
    await publish(stream, "a", 1);
    await publish(stream, "b", 20);
    await eventually("covered up to 21", () => events.some((event) => event.kind === "covered" && event.sequence === 21));
    await publish(stream, "a", 1);
    await eventually("the record after", () => sequencesOf(events).length === 2);
    expect(sequencesOf(events)).toEqual([1, 22]);
    await source.close();
  });

  it("says what left the stream unread, and goes on behind it", async () => {
    const stream = await freshStream();
    await publish(stream, "a", 20);
    const manager = await client.nats.jetstreamManager();
    await manager.streams.purge(stream, { seq: 15 });
    const source = openLogSource(client.bus, { stream, filter: `${stream.toLowerCase()}.>`, from: 4 });
    const events = collect(source);
    await eventually("six records", () => sequencesOf(events).length === 6);
    expect(events).toContainEqual({ kind: "lost_unread", wanted: 4, count: 11 });
    expect(sequencesOf(events)).toEqual(range(15, 20));
    await source.close();
  });

  it("alarms when the stream ends before what was read, and gives out nothing", async () => {
    const stream = await freshStream();
    await publish(stream, "a", 3);
    const source = openLogSource(client.bus, {
      stream,
      filter: `${stream.toLowerCase()}.>`,
      from: 100,
      streamState: () => streamStateOf(client.bus, stream),
    });
    const events = collect(source);
    await eventually("an alarm", () => events.some((event) => event.kind === "behind"));
    expect(events.find((event) => event.kind === "behind")).toEqual({ kind: "behind", wanted: 100, reached: 3 });
    expect(sequencesOf(events)).toEqual([]);
    await source.close();
  });

  it("G2: gives out nothing of a stream that was recreated under its name, and says so", async () => {
    const stream = await freshStream();
    const manager = await client.nats.jetstreamManager();
    const { streamEpochMs } = await streamStateOf(client.bus, stream);
    const source = openLogSource(client.bus, {
      stream,
      filter: `${stream.toLowerCase()}.>`,
      from: 1,
      heartbeatMs: 100,
      streamEpochMs,
      streamState: () => streamStateOf(client.bus, stream),
    });
    const events = collect(source);
    await publish(stream, "a", 3);
    await eventually("three", () => sequencesOf(events).length === 3);
    await manager.streams.delete(stream);
    await makeStream(client.nats, stream, [`${stream.toLowerCase()}.>`]);
    // Past the position, so that its end says nothing.
    await publish(stream, "a", 10);
    await eventually("the other stream to be noticed", () => events.some((event) => event.kind === "recreated"));
    expect(sequencesOf(events)).toEqual([1, 2, 3]);
    const records = events.flatMap((event) => (event.kind === "record" ? [event.record.streamEpochMs] : []));
    expect(new Set(records)).toEqual(new Set([streamEpochMs]));
    expect(events).toContainEqual({ kind: "recreated", streamEpochMs: (await streamStateOf(client.bus, stream)).streamEpochMs });
    await source.close();
  });

  it("goes back when it is told to", async () => {
    const stream = await freshStream();
    await publish(stream, "a", 10);
    const source = openLogSource(client.bus, { stream, filter: `${stream.toLowerCase()}.>`, from: 8 });
    const events = collect(source);
    await eventually("the end", () => sequencesOf(events).length === 3);
    source.seek(2);
    await eventually("the end again", () => sequencesOf(events).length === 12);
    expect(sequencesOf(events)).toEqual([8, 9, 10, ...range(2, 10)]);
    await source.close();
  });

  it("holds the server back while the reader is slow: 100,000 records, bounded memory, none lost", async () => {
    const stream = await freshStream();
    const bytes = 1_024;
    await publish(stream, "a", 100_000, bytes);
    const source = openLogSource(client.bus, { stream, filter: `${stream.toLowerCase()}.>`, from: 1 });
    // Nobody takes anything: what the server has sent stands still although heartbeats go on.
    let standsSince = performance.now();
    let before = 0;
    await eventually("the buffer stands still", () => {
      if (source.buffered() !== before) {
        before = source.buffered();
        standsSince = performance.now();
      }
      return before > 0 && performance.now() - standsSince > 3_000;
    });
    const heldBytes = before * bytes;
    console.log(`a reader that takes nothing holds ${before} of 100,000 records, ${(heldBytes / 1024 ** 2).toFixed(1)} MiB`);
    expect(heldBytes).toBeLessThan(33 * 1024 ** 2);

    const events = collect(source);
    let most = 0;
    await eventually("all records", () => {
      most = Math.max(most, source.buffered());
      return sequencesOf(events).length === 100_000;
    });
    expect(sequencesOf(events)).toEqual(range(1, 100_000));
    expect(most * bytes).toBeLessThan(33 * 1024 ** 2);
    await source.close();
  });

  it("G2: goes on without hole or repeat after its consumer was deleted", async () => {
    const stream = await freshStream();
    const source = openLogSource(client.bus, { stream, filter: `${stream.toLowerCase()}.>`, from: 1, heartbeatMs: 100 });
    const events = collect(source);
    await publish(stream, "a", 10);
    await eventually("ten", () => sequencesOf(events).length === 10);
    const manager = await client.nats.jetstreamManager();
    for await (const consumer of manager.consumers.list(stream)) await manager.consumers.delete(stream, consumer.name);
    await publish(stream, "a", 10);
    await eventually("twenty", () => sequencesOf(events).length === 20);
    expect(sequencesOf(events)).toEqual(range(1, 20));
    await source.close();
  });

  it("G2: goes on without hole or repeat over a killed and a paused server", async () => {
    const stream = await freshStream();
    const source = openLogSource(client.bus, { stream, filter: `${stream.toLowerCase()}.>`, from: 1, heartbeatMs: 100 });
    const events = collect(source);
    await publish(stream, "a", 2_000, 1_024);
    await server.kill();
    await server.restart();
    await eventually("connected again", () => client.nats.flush().then(() => true));
    await publish(stream, "a", 2_000, 1_024);
    server.pause();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    server.resume();
    await publish(stream, "a", 2_000, 1_024);
    await eventually("all", () => sequencesOf(events).length >= 6_000);
    expect(sequencesOf(events)).toEqual(range(1, 6_000));
    await source.close();
  });
});
