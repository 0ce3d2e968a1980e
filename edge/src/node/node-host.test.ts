// The Node host as a process of its own: the claims of every host, and what only a process can do wrong.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outageClaims } from "@mio/proving/kit/claims/outage/outage.ts";
import { routeClaims } from "@mio/proving/kit/claims/route-claims.ts";
import { directoryOf, type EdgeBus, edgeBus } from "@mio/proving/kit/edge/bus.ts";
import { tcp } from "@mio/proving/kit/edge/host.ts";
import { type NodeProcess, nodeHost, spawnNodeHost, startNodeProcess } from "@mio/proving/kit/edge/node-host.ts";
import { sampleChannel, samplePayload } from "@mio/proving/kit/sample-channel/inbound.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { type Wire, wireTo } from "@mio/proving/kit/wire/wire.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

routeClaims(nodeHost);
outageClaims(nodeHost);

const tenantId = tenantIdOf("acme");
const alice = { tenantId, accountId: accountIdOf(tenantId, sampleChannel, "W1"), externalId: "W1", secret: "secret-1" };

describe("the Node host's process", () => {
  let bus: EdgeBus;
  let wire: Wire;
  let dataDir: string;
  let host: NodeProcess;

  const start = () => startNodeProcess({ dataDir, busUrl: tcp.urlOf(wire.port) });

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
    bus = await edgeBus();
    wire = await wireTo(bus.server.port);
    await bus.publish(directoryOf([alice]));
    host = await start();
  });

  afterEach(async () => {
    await host?.kill();
    await wire?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  const say = (id: string) =>
    fetch(`${host.url}/webhooks/sample-chat`, {
      method: "POST",
      body: samplePayload({ type: "say", workspace: "W1", events: [{ to: "room", id, text: "x" }] }),
      headers: { "x-sample-secret": alice.secret },
    });
  const seen = async () => [...new Set((await bus.arrived()).map(({ event }) => event.sourceMessageId))];

  it("G1, G2: on SIGTERM answers what is in hand, takes nothing new and ends, and the next process brings it to the bus", async () => {
    expect((await say("before")).status).toBe(200);
    wire.spoil({ kind: "requests_swallowed" });
    const swallowed = wire.spoilt();
    const answered = say("in hand");
    await swallowed;
    host.child.kill("SIGTERM");
    await eventually("it has heard", () => host.lines.some((line) => line.includes('"event":"stopping"')));
    await expect(say("too late")).rejects.toThrow();
    const response = await answered;
    expect([response.status, response.headers.get("connection")]).toEqual([200, "close"]);
    const [code] = host.child.exitCode === null ? await once(host.child, "exit") : [host.child.exitCode];
    expect(code).toBe(0);
    wire.mend();
    host = await start();
    await eventually("it has arrived", async () => (await seen()).includes("room:in hand"));
    expect(await seen()).toEqual(["room:before", "room:in hand"]);
  });

  it("G2: drains what it spooled when it is killed before the answer was sent, again and again", async () => {
    wire.cut();
    for (let round = 0; round < 3; round += 1) {
      expect((await say(`a${round}`)).status).toBe(200);
      const inHand = say(`b${round}`).catch(() => undefined);
      await host.kill();
      await inHand;
      host = await start();
    }
    wire.mend();
    const told = ["room:a0", "room:a1", "room:a2"];
    await eventually("all that was answered has arrived", async () => {
      const arrived = await seen();
      return told.every((each) => arrived.includes(each));
    });
    expect((await seen()).filter((each) => told.includes(each))).toEqual(told);
  });

  it("is refused a data folder that another process uses, and harms nothing there", async () => {
    wire.cut();
    expect((await say("1")).status).toBe(200);
    await expect(start()).rejects.toThrow(`edge: another process uses ${dataDir}; each needs a data folder of its own`);
    expect((await say("2")).status).toBe(200);
    wire.mend();
    await eventually("both have arrived", async () => (await seen()).length === 2);
  });

  it("ends when its parent is gone", async () => {
    host.child.disconnect();
    const [code] = await once(host.child, "exit");
    expect(code).toBe(0);
  });

  it("says what it is for, and what is wrong with its configuration, in one line", async () => {
    const run = async (words: string[], env: Record<string, string> = {}) => {
      const child = spawnNodeHost(env, words);
      const said: string[] = [];
      for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => said.push(String(data)));
      const [code] = await once(child, "close");
      return [code, said.join("")];
    };
    expect(await run(["--help"])).toEqual([0, expect.stringMatching(/^Usage: .*NATS_URL.*MIO_DATA/s)]);
    expect(await run(["--fast"])).toEqual([1, "edge: there is no option --fast; see --help\n"]);
    expect(await run([])).toEqual([1, "edge: EDGE_REGION is not set; set it like EDGE_REGION=eu\n"]);
  });
});
