// A nats-server for one test file: free ports, a folder of its own that goes with it, no passwords unless users are given.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "@mio/local/servers/nats-server.ts";

/** `await using nats = await testNats()`: stopped, and its folder removed, at the end of the scope. */
export async function testNats(options: Omit<NatsServerOptions, "dataDir"> = {}): Promise<NatsServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "mio-nats-"));
  const remove = () => rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
  try {
    const server = await startNatsServer({ ...options, dataDir });
    const stop = async () => {
      await server.stop();
      await remove();
    };
    return Object.defineProperty(server, Symbol.asyncDispose, { value: stop });
  } catch (error) {
    await remove();
    throw error;
  }
}
