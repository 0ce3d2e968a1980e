// The Worker as it ships, in a real workerd, against a real nats-server over a real WebSocket.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { directoryOf, type TestBus, testBus } from "../testing/bus.ts";
import { sampleChannel, samplePayload } from "../testing/door.ts";
import { eventually } from "../testing/eventually.ts";
import { startTestWorker, type TestWorker } from "../testing/worker.ts";

const tenantId = tenantIdOf("acme");
const alice = { tenantId, accountId: accountIdOf(tenantId, sampleChannel, "W1"), externalId: "W1", secret: "secret-1" };
const bob = { tenantId, accountId: accountIdOf(tenantId, sampleChannel, "W2"), externalId: "W2", secret: "secret-2" };

let bus: TestBus;
let worker: TestWorker;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
  bus = await testBus();
  await bus.publish(directoryOf([alice, bob]));
  worker = await startTestWorker({ dataDir, natsWebsocketUrl: bus.server.websocketUrl });
});

afterAll(async () => {
  await worker?.stop();
  await bus?.[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

function post(path: string, body: string, secret = alice.secret, init: RequestInit = {}): Promise<Response> {
  return fetch(worker.url + path, { method: "POST", body, ...init, headers: { "x-sample-secret": secret, ...init.headers } });
}

const say = (...events: { to: string; id: string; text: string }[]) => samplePayload({ type: "say", workspace: "W1", events });

describe("the Worker", () => {
  it("G1: answers 200 to a verified webhook that the stream has acknowledged", async () => {
    const response = await post("/webhooks/sample-chat", say({ to: "general", id: "1", text: "hello" }));
    expect([response.status, await response.text()]).toEqual([200, "accepted"]);
    const arrived = await bus.arrived();
    expect(arrived.map(({ event }) => event.sourceMessageId)).toContain("general:1");
  });
});
