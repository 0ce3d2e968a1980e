// Writing once, against a real server: no dedupe window, no cache and no second owner may make a message appear twice.
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import { makeStream, type TestBus, testBus } from "@mio/proving/kit/bus/bus.ts";
import { dedupeWindowPassed } from "@mio/proving/kit/bus/dedupe-window.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bus } from "../client/connection.ts";
import { messageOf } from "../client/jetstream-api.ts";
import { createFencedPublisher, type FencedMessage } from "./fenced-publish.ts";

const stream = "FENCED";
let server: NatsServer;
let client: TestBus;
let conversation = 0;

beforeAll(async () => {
  server = await testNats();
  client = await testBus(server.url);
  await makeStream(client.nats, stream, ["fenced.>"]);
  // So short a window that nothing here can rest on it.
  const manager = await client.nats.jetstreamManager();
  await manager.streams.update(stream, { duplicate_window: 100_000_000 });
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

function message(subject: string, sequence: number, rest: Partial<FencedMessage> = {}): FencedMessage {
  return {
    subject,
    data: new TextEncoder().encode(`m${sequence}`),
    messageId: `id:${subject}:${sequence}`,
    origin: { streamEpochMs: 1, sequence, index: 0 },
    owned: () => true,
    ...rest,
  };
}

async function stored(subject: string): Promise<string[]> {
  const texts: string[] = [];
  for (let seq = 1; ; ) {
    const found = await messageOf(client.bus, stream, { seq, next_by_subj: subject }, 1_000);
    if (!found) return texts;
    texts.push(new TextDecoder().decode(found.data));
    seq = found.sequence + 1;
  }
}

const windowPassed = () => dedupeWindowPassed(client.nats, stream, "fenced.forgotten");

describe("a fenced publisher", () => {
  const subject = () => `fenced.c${++conversation}`;
  const publisher = (bus: Bus = client.bus) => createFencedPublisher(bus, { stream, deadlineMs: 5_000, timeoutMs: 1_000 });

  it("publishes in order, and side by side over conversations", async () => {
    const one = publisher();
    const subjects = Array.from({ length: 20 }, subject);
    const outcomes = await Promise.all(
      subjects.flatMap((each) => [1, 2, 3].map((sequence) => one.publish(message(each, sequence)))),
    );
    expect(outcomes.every((outcome) => outcome.kind === "published")).toBe(true);
    for (const each of subjects) expect(await stored(each)).toEqual(["m1", "m2", "m3"]);
    expect(one.stats).toMatchObject({ published: 60, refused: 0, duplicatesOutsideRetries: 0 });
  });

  it("G3: publishes nothing again after the dedupe window, in this process or another", async () => {
    const to = subject();
    const first = publisher();
    await first.publish(message(to, 1));
    await first.publish(message(to, 2));
    await windowPassed();
    expect(await publisher().publish(message(to, 1))).toMatchObject({ kind: "already_published" });
    expect(await publisher().publish(message(to, 2))).toMatchObject({ kind: "already_published", sequence: expect.any(Number) });
    expect(await stored(to)).toEqual(["m1", "m2"]);
  });

  it("G3: publishes nothing again when the same publisher, or a new one, goes over several messages of a conversation", async () => {
    const to = subject();
    const one = publisher();
    const goOver = async (by: ReturnType<typeof publisher>) => {
      const kinds: string[] = [];
      for (const sequence of [1, 2, 3, 4]) kinds.push((await by.publish(message(to, sequence))).kind);
      return kinds;
    };
    expect(await goOver(one)).toEqual(Array(4).fill("published"));
    await windowPassed();
    expect(await goOver(one)).toEqual(Array(4).fill("already_published"));
    expect(await goOver(publisher())).toEqual(Array(4).fill("already_published"));
    expect(await stored(to)).toEqual(["m1", "m2", "m3", "m4"]);
  });

  it("G3: refuses an owner that was paused while another went on", async () => {
    const to = subject();
    const paused = publisher();
    await paused.publish(message(to, 1));
    const other = publisher();
    await other.publish(message(to, 2));
    await other.publish(message(to, 3));
    await windowPassed();
    expect(await paused.publish(message(to, 2))).toMatchObject({ kind: "already_published" });
    expect(await stored(to)).toEqual(["m1", "m2", "m3"]);
  });

  it("G4: gives up what another owner has taken, and writes nothing", async () => {
    const to = subject();
    expect(await publisher().publish(message(to, 1, { owned: () => false }))).toEqual({ kind: "lost_ownership" });
    expect(await stored(to)).toEqual([]);
  });

  it("G3: two owners at the same time publish each message once, in order", async () => {
    const to = subject();
    const owners = [publisher(), publisher(), publisher()];
    await Promise.all(
      owners.map(async (owner) => {
        for (let sequence = 1; sequence <= 40; sequence += 1) await owner.publish(message(to, sequence));
      }),
    );
    expect(await stored(to)).toEqual(Array.from({ length: 40 }, (_, index) => `m${index + 1}`));
  });

  it("G2, G4: a message that fails takes those waiting behind it along, for published they would hide it", async () => {
    const to = subject();
    let broken = true;
    const connection = Object.create(client.nats, {
      request: {
        value: (...request: Parameters<typeof client.nats.request>) =>
          broken && request[0] === to ? Promise.reject(new Error("cut off")) : client.nats.request(...request),
      },
    });
    const one = createFencedPublisher({ ...client.bus, connection }, { stream, deadlineMs: 0 });
    const first = one.publish(message(to, 1));
    const second = one.publish(message(to, 2));
    await expect(first).rejects.toThrow("cut off");
    broken = false;
    await expect(second).rejects.toThrow("an earlier message");
    for (const sequence of [1, 2]) expect(await one.publish(message(to, sequence))).toMatchObject({ kind: "published" });
    expect(await stored(to)).toEqual(["m1", "m2"]);
  });

  it("G3: finds a message that another sighting has published under an earlier origin", async () => {
    const to = subject();
    const one = publisher();
    const seenAtMs = Date.now();
    await one.publish(message(to, 1));
    await one.publish(message(to, 2));
    await windowPassed();
    const again = message(to, 9, { messageId: message(to, 1).messageId, seenElsewhereSinceMs: seenAtMs });
    expect(await publisher().publish(again)).toMatchObject({ kind: "already_published", sequence: expect.any(Number) });
    expect(await stored(to)).toEqual(["m1", "m2"]);
  });

  it("G2: publishes under its own origin when the earlier sighting never was", async () => {
    const to = subject();
    await publisher().publish(message(to, 8));
    const again = message(to, 9, { messageId: "id:never", seenElsewhereSinceMs: Date.now() });
    expect(await publisher().publish(again)).toMatchObject({ kind: "published" });
    expect(await stored(to)).toEqual(["m8", "m9"]);
  });

  const ofNewer = (to: string, sequence: number, rest: Partial<FencedMessage> = {}) =>
    message(to, sequence, {
      messageId: `id:${to}:new-${sequence}`,
      data: new TextEncoder().encode(`new${sequence}`),
      origin: { streamEpochMs: 2, sequence, index: 0 },
      ...rest,
    });

  it("G2: publishes what a recreated stream counts from 1 again, behind the old one's higher sequences", async () => {
    const to = subject();
    const one = publisher();
    for (const sequence of [7, 8]) await one.publish(message(to, sequence));
    for (const sequence of [1, 2]) expect(await one.publish(ofNewer(to, sequence))).toMatchObject({ kind: "published" });
    expect(await stored(to)).toEqual(["m7", "m8", "new1", "new2"]);
  });

  it("G3: finds under the older stream's origin what comes again out of the recreated one", async () => {
    const to = subject();
    const notBeforeMs = Date.now();
    for (const sequence of [7, 8, 9]) await publisher().publish(message(to, sequence));
    await windowPassed();
    const { messageId } = message(to, 8);
    const again = publisher();
    expect(await again.publish(ofNewer(to, 1, { messageId, notBeforeMs }))).toMatchObject({ kind: "already_published" });
    expect(await again.publish(ofNewer(to, 2, { notBeforeMs }))).toMatchObject({ kind: "published" });
    expect(await stored(to)).toEqual(["m7", "m8", "m9", "new2"]);
  });

  it("G2, G3: a paused owner of the older stream neither writes nor takes the newer one's messages for its own", async () => {
    const to = subject();
    const notBeforeMs = Date.now();
    const paused = publisher();
    await paused.publish(message(to, 7));
    const { messageId } = message(to, 8);
    await publisher().publish(ofNewer(to, 1, { messageId }));
    await publisher().publish(ofNewer(to, 2));
    await windowPassed();
    // The one that came again in the new stream is there; the other one is not, and may be written only by who owns the partition.
    expect(await paused.publish(message(to, 8, { notBeforeMs }))).toMatchObject({ kind: "already_published" });
    expect(await paused.publish(message(to, 9, { notBeforeMs, owned: () => false }))).toEqual({ kind: "lost_ownership" });
    expect(await stored(to)).toEqual(["m7", "new1", "new2"]);
    // As of a stream that was restored from a copy older than the present one: its owner goes on.
    expect(await paused.publish(message(to, 9, { notBeforeMs }))).toMatchObject({ kind: "published" });
    expect(await publisher().publish(ofNewer(to, 2, { notBeforeMs }))).toMatchObject({ kind: "already_published" });
    expect(await publisher().publish(ofNewer(to, 3, { notBeforeMs }))).toMatchObject({ kind: "published" });
    expect(await stored(to)).toEqual(["m7", "new1", "new2", "m9", "new3"]);
  });

  it("counts two messages of one id, and does not loop on them", async () => {
    const to = subject();
    const one = publisher();
    await one.publish(message(to, 1));
    await one.publish(message(to, 2));
    expect(await one.publish(message(to, 3, { messageId: message(to, 1).messageId }))).toMatchObject({
      kind: "already_published",
    });
    expect(one.stats.duplicatesOutsideRetries).toBe(1);
  });

  it("says that a message is too large, for the stream and for the client", async () => {
    const manager = await client.nats.jetstreamManager();
    await manager.streams.add({
      name: "SMALL",
      subjects: ["small.>"],
      allow_direct: true,
      max_bytes: 1024 ** 2,
      max_msg_size: 1024,
    });
    const one = createFencedPublisher(client.bus, { stream: "SMALL" });
    for (const bytes of [4_096, 2 * 1024 ** 2]) {
      expect(await one.publish(message("small.a", 1, { data: new Uint8Array(bytes) }))).toEqual({ kind: "too_large" });
    }
  });

  it("throws when the bus is away for longer than the deadline, and publishes once when it is back", async () => {
    const to = subject();
    const one = createFencedPublisher(client.bus, { stream, deadlineMs: 300, timeoutMs: 200 });
    await one.publish(message(to, 1));
    let sequence = 1;
    server.pause();
    // A stopped process may still answer what it had in its hands.
    const givesUp = () => {
      sequence += 1;
      return one.publish(message(to, sequence)).then(
        () => false,
        () => true,
      );
    };
    await eventually("a publish to give up", givesUp).finally(() => server.resume());
    await publisher().publish(message(to, sequence));
    expect(await stored(to)).toEqual(Array.from({ length: sequence }, (_, index) => `m${index + 1}`));
  });

  it("G2, G3: rides over a killed server: every message once, in order", async () => {
    const to = subject();
    const one = createFencedPublisher(client.bus, { stream, deadlineMs: 30_000, timeoutMs: 500 });
    const publishing = (async () => {
      for (let sequence = 1; sequence <= 200; sequence += 1) {
        await one.publish(message(to, sequence));
        if (sequence === 50) await server.kill().then(() => server.restart());
      }
    })();
    await publishing;
    expect(await stored(to)).toEqual(Array.from({ length: 200 }, (_, index) => `m${index + 1}`));
  });
});
