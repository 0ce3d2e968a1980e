// A host, its bus, and a wire between them that can be spoilt: what somebody says to it, what the bus has of that, and how it says it is.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import * as v from "valibot";
import { expect } from "vitest";
import { directoryOf, type EdgeBus, edgeBus } from "../../edge/bus.ts";
import type { HostKind, HostOptions, TestHost } from "../../edge/host.ts";
import { sampleChannel, samplePayload } from "../../sample-channel/inbound.ts";
import { type Wire, wireTo } from "../../wire/wire.ts";

export const tenantId = tenantIdOf("acme");
const account = (externalId: string) => ({
  tenantId,
  accountId: accountIdOf(tenantId, sampleChannel, externalId),
  externalId,
  secret: `secret-${externalId}`,
});
export const alice = account("W1");
export const newcomer = account("W2");
export const sharedPath = "/webhooks/sample-chat";

export const text = (to: string, id: string) => ({ to, id, text: "x" });

export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

const healthSchema = v.object({
  directory: v.optional(v.object({ whole: v.boolean() })),
  shards: v.array(
    v.object({
      name: v.string(),
      status: v.optional(
        v.object({
          spool_rows: v.number(),
          spool_aside_rows: v.number(),
          rows_drained: v.number(),
          bus: v.string(),
          bus_reason: v.optional(v.string()),
        }),
      ),
    }),
  ),
});

type Health = v.InferOutput<typeof healthSchema>;

export interface OutageStage extends AsyncDisposable {
  bus: EdgeBus;
  wire: Wire;
  dataDir: string;
  /** The one that was started last. */
  host(): TestHost;
  /** Starts a host on the folder of the one before, which must have ended. */
  start(options?: Partial<HostOptions>): Promise<void>;
  /** The status that one webhook was answered with, in time. */
  say(events: { to: string; id: string; text: string }[], who?: typeof alice, path?: string): Promise<number>;
  /** Each only after the answer to the last. */
  sayInOrder(to: string, ids: readonly string[]): Promise<void>;
  /** First appearances, in the stream's order. */
  seen(to: string): Promise<string[]>;
  health(): Promise<Health>;
  statuses(): Promise<ReturnType<typeof statusesIn>>;
  spooled(): Promise<number>;
  /** How the bus looks to the shard that looks worst. */
  busLooks(): Promise<string>;
}

export async function openStage(kind: HostKind): Promise<OutageStage> {
  await using cleanup = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  const bus = cleanup.use(await edgeBus());
  const wire = cleanup.use(await wireTo(kind.carrier.portOf(bus.server)));
  await bus.publish(directoryOf([alice]));
  const startHost = (options: Partial<HostOptions> = {}) =>
    kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port), ...options });
  let host = await startHost();
  // A test may have killed it already.
  cleanup.defer(() => host.stop().catch(() => {}));

  const health = async () => v.parse(healthSchema, await (await fetch(`${host.url}/health`)).json());
  const statuses = async () => statusesIn(await health());

  async function say(events: { to: string; id: string; text: string }[], who = alice, path = sharedPath): Promise<number> {
    const body = samplePayload({ type: "say", workspace: who.externalId, events });
    const startedMs = performance.now();
    const response = await fetch(host.url + path, { method: "POST", body, headers: { "x-sample-secret": who.secret } });
    await response.text();
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    if (response.status === 503) expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    return response.status;
  }

  const parts = cleanup.move();
  return {
    bus,
    wire,
    dataDir,
    host: () => host,
    start: async (options) => {
      host = await startHost(options);
    },
    say,
    sayInOrder: async (to, ids) => {
      for (const id of ids) expect([id, await say([text(to, id)])]).toEqual([id, 200]);
    },
    seen: async (to) => {
      const arrived = (await bus.arrived()).flatMap(({ event }) =>
        event.conversationExternalId === to ? [event.sourceMessageId.slice(to.length + 1)] : [],
      );
      return [...new Set(arrived)];
    },
    health,
    statuses,
    spooled: async () => (await statuses()).reduce((sum, { spool_rows }) => sum + spool_rows, 0),
    busLooks: async () => (await statuses()).map((status) => status.bus).find((view) => view !== "answering") ?? "answering",
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function statusesIn({ shards }: Health) {
  return shards.flatMap(({ status }) => status ?? []);
}
