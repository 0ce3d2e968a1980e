// The proxy between a real nats-server and real WebSocket clients: only the one that is named is cut off.
import { connect, type NatsConnection } from "nats.ws";
import { expect, it } from "vitest";
import { testNats } from "../bus/nats.ts";
import { startProxy } from "./websocket-wire.ts";

it("cuts off only the connection that is named, by reset and in silence, and mends", async () => {
  await using nats = await testNats();
  await using proxy = await startProxy();
  proxy.aimAt(nats.websocketUrl);
  const client = (name: string) => connect({ servers: proxy.url, name, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  const [first, second] = [await client("edge-local-1-0"), await client("edge-local-1-1")];
  try {
    expect(proxy.names().sort()).toEqual(["edge-local-1-0", "edge-local-1-1"]);

    for (const kind of ["reset", "silent"] as const) {
      proxy.cut(/-0$/, kind);
      await expect(roundTrip(first, 300)).rejects.toThrow();
      await roundTrip(second, 5_000);
      proxy.mend();
      await until(() => roundTrip(first, 500));
    }
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
});

it("ends connections while it is aimed at nothing", async () => {
  await using proxy = await startProxy();
  await expect(connect({ servers: proxy.url, name: "x", reconnect: false, timeout: 1_000 })).rejects.toThrow();
});

/** A flush waits for the server's PONG, and so for both directions. */
async function roundTrip(client: NatsConnection, timeoutMs: number): Promise<void> {
  const timer = AbortSignal.timeout(timeoutMs);
  const late = new Promise<never>((_resolve, reject) => timer.addEventListener("abort", () => reject(new Error("no answer"))));
  await Promise.race([client.flush(), late]);
}

async function until(attempt: () => Promise<void>, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}
