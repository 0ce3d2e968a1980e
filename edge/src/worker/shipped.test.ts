// The entry that is deployed, with the platforms' own doors, in a real workerd: which channels it has in which environment.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalWorkerOptions, startLocalWorker } from "@mio/local/servers/worker.ts";
import { bundleWorker } from "@mio/local/servers/worker-bundle.ts";
import { testDirectoryKeys } from "@mio/proving/kit/bus/directory-keys.ts";
import { type EdgeBus, edgeBus, edgeUser } from "@mio/proving/kit/edge/bus.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let bus: EdgeBus;
let dataDir: string;
let script: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
  bus = await edgeBus();
  await bus.publish([]);
  script = await bundleWorker();
});

afterAll(async () => {
  await bus?.[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

const start = (environment: "local" | "production", rest: Partial<LocalWorkerOptions> = {}) =>
  startLocalWorker({
    dataDir: join(dataDir, environment),
    natsWebsocketUrl: bus.server.websocketUrl,
    natsUser: edgeUser.user,
    natsPassword: edgeUser.password,
    directoryKeys: testDirectoryKeys,
    environment,
    script,
    ...rest,
  });

const bodies = ["", "{", "[]", '{"type":"x"}', "a=b&c=%7B", "\u0000\ud800", '"'.repeat(1_000)];

describe("the Worker that ships", () => {
  it("G11: refuses whatever is not signed, on every channel and path, and leaves nothing behind", async () => {
    await using worker = await start("local");
    const paths = inboundDoors.flatMap(({ channel: { slug, legacyPaths } }) => [
      `/webhooks/${slug.replaceAll("_", "-")}`,
      ...legacyPaths.map((path) => `/${path}`),
    ]);
    expect(paths.length).toBeGreaterThanOrEqual(inboundDoors.length);
    for (const path of paths)
      for (const body of bodies)
        for (const type of ["application/json", "application/x-www-form-urlencoded", "text/plain"]) {
          const response = await fetch(worker.url + path, { method: "POST", body, headers: { "content-type": type } });
          expect([path, body, response.status]).toEqual([path, body, 401]);
        }
    expect(await bus.arrived()).toEqual([]);
  });

  it("G11: without good keys refuses everything, in every environment, and says in one line what is missing", async () => {
    for (const environment of ["local", "production"] as const)
      for (const directoryKeys of [undefined, "", "k:c2hvcnQ="]) {
        let printed = "";
        const log = (text: string) => {
          printed += text;
        };
        await using worker = await start(environment, { directoryKeys, log });
        for (const path of ["/health/ready", `/webhooks/${inboundDoors[0]?.channel.slug.replaceAll("_", "-")}`, "/"]) {
          const response = await fetch(worker.url + path, { method: "POST", body: "{}" });
          expect([response.status, response.headers.get("retry-after")]).toEqual([503, "30"]);
        }
        await eventually("the line is there", () =>
          /"misconfigured","reason":"DIRECTORY_KEYS (is not set|has no good)/.test(printed),
        );
        expect(printed).not.toContain("c2hvcnQ");
      }
  });

  it("G11: has the channel of our own tests only where everything is local", async () => {
    await using worker = await start("production");
    const status = async (path: string) => (await fetch(worker.url + path, { method: "POST", body: "{}" })).status;
    expect(await status("/webhooks/test")).toBe(404);
    expect(await status(`/webhooks/${inboundDoors[0]?.channel.slug.replaceAll("_", "-")}`)).toBe(401);
  });
});
