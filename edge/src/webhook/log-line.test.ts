// What a caller writes stands in no line of the log, wherever he writes it.

import { testSealer } from "@mio/proving/kit/edge/bus.ts";
import { sampleInbound, sampleReading } from "@mio/proving/kit/sample-channel/inbound.ts";
import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import type { InboundDoor } from "@mio/shared/channels/contract/inbound.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";
import { createApp, type EdgePorts } from "../app.ts";
import { Directory } from "../directory/directory.ts";
import { failureLine } from "./log-line.ts";

const canary = "canary-5up3r-53cr3t";
const spoilt = `${canary}\n{"level":"error","event":"${canary}"}\u2028\u0000`;

async function linesOf(request: Request, door: Partial<InboundDoor> = {}, ports: Partial<EdgePorts> = {}): Promise<string[]> {
  const clock = manualClock();
  const lines: string[] = [];
  const app = createApp({
    doors: [{ ...sampleInbound, ...door }],
    directory: new Directory(
      { lookup: async (keys) => ({ values: keys.map(() => undefined), whole: true }) },
      testSealer,
      clock,
      "local",
    ),
    close: async () => ({ kind: "stored", spooled: false }),
    store: async () => ({ kind: "stored", spooled: false }),
    askCore: async () => ({ kind: "away" }),
    clock,
    random: seededRandom(1),
    region: "local",
    health: async () => ({ directory: undefined, shards: [] }),
    log: (line) => void lines.push(JSON.stringify(line)),
    ...ports,
  });
  await (await app.fetch(request)).text();
  return lines;
}

const paths = [
  "/webhooks/sample-chat",
  `/webhooks/sample-chat?token=${canary}`,
  `/webhooks/sample-chat/${canary}`,
  `/webhooks/sample-chat/${encodeURIComponent(spoilt)}`,
  `/webhooks/${canary}`,
  `/webhooks/${encodeURIComponent(spoilt)}/${canary}`,
  `/webhooks/%E0%A4%A/${canary}`,
  `/webhooks/sample-chat/%E0%A4%A${canary}`,
  `/sample?${canary}=${canary}`,
  `/${canary}`,
  `/oauth/${canary}/callback?code=${canary}&state=${canary}`,
  `/oauth/sample-chat/callback?code=${canary}&state=${canary}`,
];

const headers = {
  traceparent: `00-${canary}-${canary}-01`,
  tracestate: `a=${canary}`,
  "user-agent": canary,
  "content-type": canary,
  authorization: `Bearer ${canary}`,
  cookie: canary,
  "x-sample-secret": canary,
};

describe("the line of a request", () => {
  it.each(paths)("G11: holds no text of the caller: %s", async (path) => {
    for (const method of ["GET", "POST", "PUT"])
      for (const body of [spoilt, "", JSON.stringify({ type: "say", workspace: canary, events: [] })]) {
        const request = new Request(`https://${canary}.test${path}`, { method, headers, ...(method === "GET" ? {} : { body }) });
        const lines = await linesOf(request);
        expect(lines).toHaveLength(1);
        expect(lines.join("\n")).not.toContain(canary);
      }
  });

  it("G11: holds no text of the caller when a door or a port throws or answers it", async () => {
    const throwing = () => {
      throw Object.assign(new Error(spoilt), { name: canary });
    };
    const broken: Partial<InboundDoor>[] = [
      sampleReading(() => ({ workspace: throwing })),
      sampleReading(() => ({ unsignedHandshake: throwing })),
      { verify: throwing },
      { ...sampleReading(() => ({ workspace: () => "W1" })), verify: async () => ({ kind: "refused", reason: spoilt }) },
      { ...sampleReading(() => ({ workspace: () => "W1" })), verify: async () => ({ kind: "refused", reason: "x".repeat(65) }) },
    ];
    for (const door of broken) {
      const request = new Request("https://edge.test/webhooks/sample-chat", { method: "POST", body: spoilt });
      const lines = await linesOf(request, door);
      expect(lines).toHaveLength(1);
      expect(lines.join("\n")).not.toMatch(new RegExp(`${canary}|x{65}`));
    }
  });

  it("names what was thrown by its kind and its place in our code", () => {
    const line = failureLine(new TypeError(spoilt));
    expect(line).toMatchObject({ event: "request_failed", error: "TypeError", at: expect.stringContaining("log-line.test.ts") });
    expect(JSON.stringify(line)).not.toContain(canary);
    const odd = Object.assign(new Error("x"), { stack: `at ${canary}` });
    expect(failureLine(odd)).toMatchObject({ error: "Error", at: "" });
  });
});
