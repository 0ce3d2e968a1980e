// The provisioner against a real server: what it makes, what it mends, and what it refuses to touch.

import { DiscardPolicy, nanos, RetentionPolicy, StorageType } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { buckets, streams } from "@mio/shared/bus/names/streams.ts";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { connectBus, isAtLeast } from "./connect.ts";
import { provisionBus } from "./provision.ts";

const config = { streamReplicas: 1, streamBytesMax: 1024 ** 3 };
const day = 86_400_000;

describe("provisioning", () => {
  it("makes what streams.ts says, within the budget, and changes nothing the second time", async () => {
    await using server = await testNats();
    const nats = await connectTo(server.url);
    const first = await provisionBus(nats, config);
    expect(first.created.length).toBe(
      Object.keys(streams).length + Object.keys(buckets).length + Object.values(streams).flatMap((spec) => spec.durables).length,
    );
    expect(await provisionBus(nats, config)).toEqual({ created: [], updated: [], differences: [] });

    const manager = await nats.jetstreamManager();
    let total = 0;
    for (const spec of Object.values(streams)) {
      const { config: made } = await manager.streams.info(spec.name);
      expect(made).toMatchObject({
        discard: DiscardPolicy.New,
        storage: StorageType.File,
        allow_direct: true,
        max_age: nanos(spec.maxAgeSeconds * 1_000),
        num_replicas: 1,
      });
      total += made.max_bytes;
    }
    expect(total).toBeLessThanOrEqual(config.streamBytesMax);
    await nats.close();
  });

  it("makes buckets that ordinary clients read and write", async () => {
    await using server = await testNats();
    const nats = await connectTo(server.url);
    await provisionBus(nats, config);
    const kv = await nats.jetstream().views.kv(buckets.directory.name, { bindOnly: true });
    const revision = await kv.put("key", "one");
    await kv.update("key", "two", revision);
    await expect(kv.update("key", "three", revision)).rejects.toThrow();
    expect((await kv.get("key"))?.string()).toBe("two");
    await kv.delete("key");
    await nats.close();
  });

  it("brings limits up to date, and says what it leaves alone", async () => {
    await using server = await testNats();
    const nats = await connectTo(server.url);
    const manager = await nats.jetstreamManager();
    await manager.streams.add({
      name: streams.inbound.name,
      subjects: ["mio.inbound.>", "other.>"],
      discard: DiscardPolicy.New,
      max_bytes: 1_000_000,
      max_age: nanos(30 * day),
    });
    await manager.streams.add({
      name: streams.receipt.name,
      subjects: [...streams.receipt.subjects],
      discard: DiscardPolicy.New,
      retention: RetentionPolicy.Interest,
      max_age: nanos(day),
    });
    const report = await provisionBus(nats, config);
    expect(report.updated.map((line) => line.split(":")[0])).toEqual([streams.inbound.name, streams.receipt.name]);
    expect(report.differences.join("\n")).toContain("also takes other.>");
    expect(report.differences.join("\n")).toContain("keeps messages longer");
    expect(report.differences.join("\n")).toContain("retention is interest");
    expect((await manager.streams.info(streams.inbound.name)).config.max_age).toBe(nanos(30 * day));
    expect((await manager.streams.info(streams.receipt.name)).config.max_age).toBe(nanos(7 * day));
    await nats.close();
  });

  it("G2: shortens no age that was lifted by hand, also not one for ever", async () => {
    await using server = await testNats();
    const nats = await connectTo(server.url);
    const manager = await nats.jetstreamManager();
    const { name, subjects } = streams.inbound;
    await manager.streams.add({ name, subjects: [...subjects], discard: DiscardPolicy.New, max_bytes: 1_000_000, max_age: 0 });
    const report = await provisionBus(nats, config);
    expect(report.differences.join("\n")).toContain(`${name}: keeps messages longer`);
    expect((await manager.streams.info(name)).config.max_age).toBe(0);
    await nats.close();
  });

  it("refuses a stream that deletes unread messages", async () => {
    await using server = await testNats();
    const nats = await connectTo(server.url);
    await (await nats.jetstreamManager()).streams.add({
      name: streams.ingress.name,
      subjects: [...streams.ingress.subjects],
      max_bytes: 1_000_000,
    });
    await expect(provisionBus(nats, config)).rejects.toThrow(/discards old messages/);
    await nats.close();
  });

  it("says what to do when the server has too little room", async () => {
    await using server = await testNats({ maxStoreBytes: 64 * 1024 ** 2 });
    const nats = await connectTo(server.url);
    await expect(provisionBus(nats, config)).rejects.toThrow(/no room left.*MIO_STREAM_BYTES_MAX/);
    await nats.close();
  });
});

describe("connecting", () => {
  const log = pino({ level: "silent" });

  it("compares versions by number", () => {
    for (const version of ["2.12.8", "2.12.10", "2.13.0", "3.0.0", "2.12.8-RC.1"])
      expect(isAtLeast(version, "2.12.8")).toBe(true);
    for (const version of ["2.12.7", "2.9.10", "1.99.99", "unknown", ""]) expect(isAtLeast(version, "2.12.8")).toBe(false);
  });

  it("connects as the configured user, and says in one line when it is refused", async () => {
    await using server = await testNats({ users: [{ user: "core", password: "right" }] });
    const options = { natsUrls: [server.url], natsUser: "core", natsPassword: "right" };
    {
      await using bus = await connectBus(options, "test", log, new AbortController().signal);
      await expect(bus.connection.flush()).resolves.toBeUndefined();
    }
    await expect(connectBus({ ...options, natsPassword: "wrong" }, "test", log, new AbortController().signal)).rejects.toThrow(
      /refuses the user core.*MIO_NATS_PASSWORD/,
    );
  });
});
