// What a host claims of a directory that somebody else writes to: he may use the bus as an operator does, and has no key. Nothing that he
// writes opens, takes an account away, or makes one of another's; what is not known is 503, never 401 or 404.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buckets } from "@mio/shared/bus/names/streams.ts";
import { directoryKeyOf, snapshotKey, workspaceRoute } from "@mio/shared/bus/wire/directory.ts";
import { parseSealingKeys, sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { randomOf } from "@mio/shared/random.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KV, NatsConnection } from "../bus/client.ts";
import { connectTo } from "../bus/connection.ts";
import { directoryOf, type EdgeBus, edgeBus, operator } from "../edge/bus.ts";
import type { HostKind, TestHost } from "../edge/host.ts";
import { sampleChannel, samplePayload } from "../sample-channel/inbound.ts";
import { eventually } from "../time/eventually.ts";

const tenantId = tenantIdOf("acme");
const accountOf = (externalId: string, secret: string) => ({
  tenantId,
  accountId: accountIdOf(tenantId, sampleChannel, externalId),
  externalId,
  secret,
});
const alice = accountOf("W1", "secret-1");
const bob = accountOf("W2", "secret-2");
const keyOf = (externalId: string) => directoryKeyOf(workspaceRoute(sampleChannel, externalId));
/** The id of the right key over other bytes. */
const stranger = sealerOf(parseSealingKeys(`test:${Buffer.alloc(32, 9).toString("base64")}`) ?? [], randomOf(crypto));

/** Registers the tests. */
export function directoryClaims(kind: HostKind): void {
  describe(`${kind.name} and a directory that others write to`, () => {
    let bus: EdgeBus;
    let host: TestHost;
    let nats: NatsConnection;
    let bucket: KV;
    const folders: string[] = [];

    const start = async () => {
      const dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
      folders.push(dataDir);
      return kind.start({ dataDir, busUrl: kind.carrier.urlOf(kind.carrier.portOf(bus.server)) });
    };

    beforeAll(async () => {
      bus = await edgeBus();
      await bus.publish(directoryOf([alice, bob]));
      nats = await connectTo(bus.server.url, operator);
      bucket = await nats.jetstream().views.kv(buckets.directory.name, { history: 1 });
      host = await start();
    });

    afterAll(async () => {
      await host?.stop();
      await nats?.close();
      await bus?.[Symbol.asyncDispose]();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    });

    async function statusOf(workspace: string, secret: string, at = host): Promise<number> {
      const body = samplePayload({ type: "say", workspace, events: [{ to: "d", id: crypto.randomUUID(), text: "x" }] });
      return (await fetch(`${at.url}/webhooks/sample-chat`, { method: "POST", body, headers: { "x-sample-secret": secret } }))
        .status;
    }
    /** Of all values that it put aside. */
    async function putAside(): Promise<number> {
      const health = await (await fetch(`${host.url}/health`)).text();
      const counts = [...health.matchAll(/"(?:open_failures|unreadable|refused)":(\d+)/g)].map((match) => Number(match[1]));
      return counts.reduce((sum, each) => sum + each, 0);
    }
    async function putAndSeen(key: string, bytes: Uint8Array): Promise<void> {
      const before = await putAside();
      await bucket.put(key, bytes);
      await eventually("the host has put it aside", async () => (await putAside()) > before);
    }
    async function bytesAt(key: string): Promise<Uint8Array> {
      const entry = await bucket.get(key);
      if (!entry) throw new Error("the bucket has no such key");
      return Uint8Array.from(entry.value);
    }

    it("G11: goes on with what it knows when values are changed, moved, or sealed by a stranger", {
      timeout: 90_000,
    }, async () => {
      const everybody = async () => [
        await statusOf("W1", "secret-1"),
        await statusOf("W2", "secret-2"),
        await statusOf("W1", "secret-2"),
      ];
      await eventually("everybody is known", async () => (await everybody()).join() === "200,200,401");
      const genuine = await bytesAt(keyOf("W1"));
      const changed = [0, 1, 2, 3].map((part) => {
        const copy = genuine.slice();
        const at = Math.floor(((part + 0.5) * copy.length) / 4);
        copy[at] = (copy[at] ?? 0) ^ (1 << part);
        return copy;
      });
      const place = { bucket: buckets.directory.name, key: keyOf("W1") };
      const forged = [...changed, await bytesAt(keyOf("W2")), await stranger.seal(place, 99n, genuine.slice()), new Uint8Array()];
      for (const [index, bytes] of forged.entries()) {
        await putAndSeen(keyOf("W1"), bytes);
        expect([index, await everybody()]).toEqual([index, [200, 200, 401]]);
      }
    });

    it("G11: is not led by an older version to a secret that was replaced", { timeout: 60_000 }, async () => {
      const old = await bytesOf(alice, 10n);
      await bus.publish(directoryOf([{ ...alice, secret: "secret-new", rowVersion: 11n }, bob]));
      await eventually("the new secret holds", async () => (await statusOf("W1", "secret-new")) === 200);
      await eventually("the old one does not", async () => (await statusOf("W1", "secret-1")) === 401);
      await putAndSeen(keyOf("W1"), old);
      expect([await statusOf("W1", "secret-new"), await statusOf("W1", "secret-1")]).toEqual([200, 401]);
    });

    it("G11: calls nobody unknown by a forged marker, and starts with a spoilt bucket as far as it goes", {
      timeout: 60_000,
    }, async () => {
      await bucket.put(keyOf("W1"), await bytesAt(keyOf("W2")));
      await bucket.put(
        snapshotKey,
        await stranger.seal({ bucket: buckets.directory.name, key: snapshotKey }, 0n, new Uint8Array([8, 1])),
      );
      await eventually(
        "what is not known is not loaded",
        async () => (await statusOf(`W-${crypto.randomUUID()}`, "wrong")) === 503 || (await statusOf("nobody", "wrong")) === 503,
      );
      const fresh = await start();
      try {
        await eventually("it knows whom it can", async () => (await statusOf("W2", "secret-2", fresh)) === 200);
        expect([await statusOf("W1", "secret-new", fresh), await statusOf("W9", "wrong", fresh)]).toEqual([503, 503]);
        await bus.publish(directoryOf([{ ...alice, secret: "secret-new", rowVersion: 12n }, bob]));
        await eventually("core has mended it", async () => (await statusOf("W1", "secret-new", fresh)) === 200);
        await eventually("and it is whole", async () => (await statusOf("W9", "wrong", fresh)) === 401);
      } finally {
        await fresh.stop();
      }
    });

    /** As core would have sealed it. */
    async function bytesOf(account: typeof alice, rowVersion: bigint): Promise<Uint8Array> {
      await bus.publish(directoryOf([{ ...account, rowVersion }, bob]));
      return bytesAt(keyOf(account.externalId));
    }
  });
}
