// The Node host under a crowd: thousands of connections held open, some silent, some slow, some that never read, while others are served.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryOf, type EdgeBus, edgeBus } from "@mio/proving/kit/edge/bus.ts";
import { tcp } from "@mio/proving/kit/edge/host.ts";
import { type NodeProcess, startNodeProcess } from "@mio/proving/kit/edge/node-host.ts";
import { sampleChannel, samplePayload } from "@mio/proving/kit/sample-channel/inbound.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Both ends of each are ours: this process and the host have each a limit of open files. */
const crowd = Math.min(10_000, openFilesMax() - 1_000);
const mebibyte = 1024 * 1024;
/** Seen with 10,000: 397 MiB, of which 125 with none. */
const residentMax = 600 * mebibyte;

const tenantId = tenantIdOf("acme");
const alice = { tenantId, accountId: accountIdOf(tenantId, sampleChannel, "W1"), externalId: "W1", secret: "secret-1" };

describe("the Node host", () => {
  let bus: EdgeBus;
  let host: NodeProcess;
  let dataDir: string;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
    bus = await edgeBus();
    await bus.publish(directoryOf([alice]));
    host = await startNodeProcess({ dataDir, busUrl: tcp.urlOf(bus.server.port) });
  });

  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await host?.stop();
    await bus?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  function open(first: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(host.url).port), "127.0.0.1", () => {
        if (first !== "") socket.write(first);
        // Nobody reads: answers stay where they are.
        socket.pause();
        resolve();
      });
      socket.once("error", reject);
      sockets.push(socket);
    });
  }

  it(`G2: serves others while ${crowd} connections are held open, in bounded memory`, { timeout: 90_000 }, async () => {
    const starts = [
      // Answered once, and idle since.
      "GET /health/live HTTP/1.1\r\nhost: edge\r\n\r\n",
      "",
      "POST /webhooks/sample-chat HTTP/1.1\r\nhost: edge\r\n",
      "POST /webhooks/sample-chat HTTP/1.1\r\nhost: edge\r\ncontent-length: 1000\r\n\r\n{",
      "GET /health HTTP/1.1\r\nhost: edge\r\n\r\n".repeat(20),
    ];
    for (let index = 0; index < crowd; index += 250)
      await Promise.all(Array.from({ length: 250 }, (_, more) => open(starts[(index + more) % starts.length] ?? "")));
    const ids = Array.from({ length: 50 }, (_, index) => `crowd-${index}`);
    for (const id of ids) {
      const body = samplePayload({ type: "say", workspace: "W1", events: [{ to: "general", id, text: "x" }] });
      const headers = { "x-sample-secret": alice.secret };
      const response = await fetch(`${host.url}/webhooks/sample-chat`, { method: "POST", body, headers });
      expect([id, response.status]).toEqual([id, 200]);
    }
    const resident = residentOf(host);
    expect(resident).toBeLessThan(residentMax);
    const stored = (await bus.arrived()).map(({ event }) => event.sourceMessageId);
    expect(stored).toEqual(expect.arrayContaining(ids.map((id) => `general:${id}`)));
    expect(stored).toHaveLength(ids.length);
  });
});

/** Bytes, of the process alone. */
function residentOf({ child }: NodeProcess): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) * 1024;
}

function openFilesMax(): number {
  const limit = /Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return limit === undefined ? 1_024 : Number(limit);
}
