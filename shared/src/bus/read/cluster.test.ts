// Reading in order and writing once on three servers with three replicas: repeats are answered otherwise there, reads may be stale, and
// a server may go.

import { type TestBus, testBus } from "@mio/proving/kit/bus/bus.ts";
import { type TestCluster, testCluster } from "@mio/proving/kit/bus/cluster.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { messageOf, streamStateOf } from "../client/jetstream-api.ts";
import { createFencedPublisher, type FencedMessage } from "../write/fenced-publish.ts";
import { type LogEvent, openLogSource } from "./log-source.ts";

const stream = "CLUSTERED";
/** A busy machine holds several elections before one ends. */
const electedWithinMs = 60_000;
let cluster: TestCluster;
let client: TestBus;

beforeAll(async () => {
  cluster = await testCluster();
  client = await testBus(cluster.urls);
  const manager = await client.nats.jetstreamManager();
  await manager.streams.add({
    name: stream,
    subjects: ["clustered.>"],
    num_replicas: 3,
    allow_direct: true,
    max_bytes: 64 * 1024 ** 2,
  });
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

function message(subject: string, sequence: number): FencedMessage {
  return {
    subject,
    data: new TextEncoder().encode(`m${sequence}`),
    messageId: `${subject}:${sequence}`,
    origin: { streamEpochMs: 1, sequence, index: 0 },
    owned: () => true,
  };
}

async function stored(subject: string): Promise<string[]> {
  const texts: string[] = [];
  for (let seq = 1; ; ) {
    const found = await messageOf(client.bus, stream, { seq, next_by_subj: subject }, 2_000);
    if (!found) return texts;
    texts.push(new TextDecoder().decode(found.data));
    seq = found.sequence + 1;
  }
}

function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `m${index + 1}`);
}

const publisher = () => createFencedPublisher(client.bus, { stream, timeoutMs: 1_000 });

describe("on a cluster", () => {
  it("G3: a repeat within the dedupe window is known as published, and nothing loops on it", async () => {
    const one = publisher();
    for (const sequence of [1, 2, 3]) await one.publish(message("clustered.a", sequence));
    for (const sequence of [1, 2, 3])
      expect(await publisher().publish(message("clustered.a", sequence))).toMatchObject({ kind: "already_published" });
    expect(await stored("clustered.a")).toEqual(texts(3));
  });

  it("G3: a paused owner and its successor write each message once, in order", async () => {
    const [paused, other] = [publisher(), publisher()];
    await paused.publish(message("clustered.b", 1));
    for (const sequence of [2, 3, 4]) await other.publish(message("clustered.b", sequence));
    for (const sequence of [2, 3, 4])
      expect(await paused.publish(message("clustered.b", sequence))).toMatchObject({ kind: "already_published" });
    expect(await paused.publish(message("clustered.b", 5))).toMatchObject({ kind: "published" });
    expect(await stored("clustered.b")).toEqual(texts(5));
  });

  it("G3: two owners at the same time write each message once, in order", async () => {
    await Promise.all(
      [publisher(), publisher()].map(async (owner) => {
        for (let sequence = 1; sequence <= 40; sequence += 1) await owner.publish(message("clustered.c", sequence));
      }),
    );
    expect(await stored("clustered.c")).toEqual(texts(40));
  });

  it("G2, G3, G4: with each server killed in turn, every message is written once and read once, in order", async () => {
    const streamState = () => streamStateOf(client.bus, stream);
    const source = openLogSource(client.bus, { stream, filter: "clustered.d", from: 1, heartbeatMs: 200, streamState });
    const events: LogEvent[] = [];
    void (async () => {
      do {
        for (let event = source.take(); event; event = source.take()) events.push(event);
      } while (await source.readable());
    })();
    const one = publisher();
    for (let sequence = 1; sequence <= 300; sequence += 1) {
      await one.publish(message("clustered.d", sequence));
      if (sequence % 100 === 50) {
        const victim = Math.floor(sequence / 100);
        await cluster.kill(victim);
        void cluster.start(victim);
      }
    }
    const read = () => events.flatMap((event) => (event.kind === "record" ? [new TextDecoder().decode(event.record.data)] : []));
    await eventually("all read", () => read().length >= 300, 30_000);
    expect(read()).toEqual(texts(300));
    await eventually("all there on whichever replica answers", async () => (await stored("clustered.d")).length === 300);
    expect(events.filter((event) => event.kind === "recreated")).toEqual([]);
    await source.close();
  });

  it("G2: a stream keeps its epoch over changes, new leaders and restarts, and only a recreated one has another", {
    timeout: 5 * electedWithinMs,
  }, async () => {
    const manager = await client.nats.jetstreamManager();
    const config = { name: "KEPT", subjects: ["kept"], max_bytes: 1024 ** 2 };
    await manager.streams.add({ ...config, num_replicas: 3 });
    const { streamEpochMs } = await streamStateOf(client.bus, "KEPT");
    const same = async (what: string) =>
      expect((await eventually(what, () => streamStateOf(client.bus, "KEPT"), electedWithinMs)).streamEpochMs).toBe(
        streamEpochMs,
      );
    await manager.streams.update("KEPT", { max_bytes: 2 * 1024 ** 2 });
    await same("an answer after the change");
    // Whoever leads it is among them.
    for (const each of [0, 1, 2]) {
      await cluster.kill(each);
      await same("an answer of the others");
      await cluster.start(each);
      await same("an answer of all");
    }
    for (const each of [0, 1, 2]) await cluster.kill(each);
    for (const each of [0, 1, 2]) await cluster.start(each);
    await same("an answer after a restart of all");
    // The stream's leader has answered; the cluster's own, which makes and deletes streams, may still be without a majority.
    const gone = async () => {
      await manager.streams.delete("KEPT").catch(() => {});
      return (await manager.streams.names().next()).every((name) => name !== "KEPT");
    };
    await eventually("the stream deleted", gone, electedWithinMs);
    await eventually("another in its place", () => manager.streams.add(config), electedWithinMs);
    expect((await streamStateOf(client.bus, "KEPT")).streamEpochMs).toBeGreaterThan(streamEpochMs);
  });
});
