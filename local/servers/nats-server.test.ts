import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StorageType } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { expect, it } from "vitest";

it("keeps what was acknowledged over kill -9 and comes back on the same port", async () => {
  await using server = await testNats();
  const before = await connectTo(server.url);
  const manager = await before.jetstreamManager();
  await manager.streams.add({ name: "S", subjects: ["s.>"], storage: StorageType.File });
  await before.jetstream().publish("s.a", "one");
  await before.close();
  const { pid } = server;
  await server.kill();
  await server.restart();
  expect(server.pid).not.toBe(pid);
  const after = await connectTo(server.url);
  const info = await (await after.jetstreamManager()).streams.info("S");
  await after.close();
  expect(info.state.messages).toBe(1);
});

it("lets in nobody without a password once users are given, and its configuration is for its owner's eyes", async () => {
  await using server = await testNats({ users: [{ user: "ann", password: "secret" }] });
  await expect(connectTo(server.url)).rejects.toThrow(/authorization/i);
  const nats = await connectTo(server.url, { user: "ann", pass: "secret" });
  await nats.close();
  expect((await stat(join(dirname(server.logFile), "nats-server.conf"))).mode & 0o777).toBe(0o600);
});

it("says in one line that a port is in use, and leaves nothing running", async () => {
  await using first = await testNats();
  await expect(testNats({ port: first.port, websocketPort: first.websocketPort, monitorPort: 0 })).rejects.toThrow(/in use/);
});
