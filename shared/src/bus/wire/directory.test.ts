import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DirectorySnapshotSchema, DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { testSealingKeys } from "@mio/proving/kit/bus/directory-keys.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../random.ts";
import {
  accountRoute,
  channelRoute,
  directoryKeyOf,
  openDirectorySnapshot,
  openDirectoryValue,
  sealDirectorySnapshot,
  sealDirectoryValue,
  snapshotKey,
  workspaceRoute,
} from "./directory.ts";
import { sealerOf } from "./sealed-value.ts";

const sealer = sealerOf(testSealingKeys, randomOf(globalThis.crypto));

const account = "0a0b0c0d-0000-5000-8000-000000000001";

describe("directory", () => {
  it("gives every route a key of its own, as lower-case hex of SHA-256", () => {
    // Computed with `printf webhook/slack | sha256sum`.
    expect(directoryKeyOf(channelRoute("slack"))).toBe("2e0bfce3764e08455bc323feaf8250f089bf881d8823cdb516a7c53a26c5d553");
    const routes = [channelRoute("slack"), accountRoute("slack", account), workspaceRoute("slack", account)];
    expect(new Set([...routes.map(directoryKeyOf), snapshotKey]).size).toBe(4);
  });

  it("gives a key that is one subject token for any workspace id", () => {
    fc.assert(fc.property(fc.string(), (id) => /^[0-9a-f]{64}$/.test(directoryKeyOf(workspaceRoute("slack", id)))));
  });

  it("gives values and snapshots back, from the key of their own route", async () => {
    const value = create(DirectoryValueSchema, {
      version: 1,
      route: accountRoute("slack", account),
      rowVersion: 7n,
      secrets: [{ scheme: "slack-v0", value: "s" }],
      account: { accountId: account, shardCount: 2 },
    });
    const sealed = await sealDirectoryValue(sealer, value);
    const sealedWith = sealer.sealsWith;
    expect(await openDirectoryValue(sealer, directoryKeyOf(value.route), sealed)).toEqual({ kind: "value", value, sealedWith });
    const snapshot = create(DirectorySnapshotSchema, { version: 1, entries: 3n, revision: 9n });
    const marker = await sealDirectorySnapshot(sealer, snapshot);
    expect(await openDirectorySnapshot(sealer, marker)).toEqual({ kind: "snapshot", snapshot, sealedWith });
  });

  it("G11: refuses a value under another route's key, a value as the marker, and one at odds with its envelope", async () => {
    const value = create(DirectoryValueSchema, { version: 1, route: channelRoute("slack"), rowVersion: 7n });
    const key = directoryKeyOf(value.route);
    const sealed = await sealDirectoryValue(sealer, value);
    const refused = { kind: "refused", reason: "not_authentic" };
    expect(await openDirectoryValue(sealer, directoryKeyOf(channelRoute("telegram")), sealed)).toEqual(refused);
    expect(await openDirectorySnapshot(sealer, sealed)).toEqual(refused);
    const place = { bucket: "mio_directory", key };
    const atOdds = [
      sealer.seal(place, 8n, toBinary(DirectoryValueSchema, value)),
      sealer.seal(place, 7n, toBinary(DirectoryValueSchema, { ...value, route: channelRoute("telegram") })),
    ];
    for (const bytes of atOdds)
      expect(await openDirectoryValue(sealer, key, await bytes)).toEqual({ kind: "refused", reason: "at_odds" });
  });

  it("G11: takes nothing that is not sealed", async () => {
    const value = create(DirectoryValueSchema, { version: 1, route: channelRoute("slack"), rowVersion: 7n });
    const clear = toBinary(DirectoryValueSchema, value);
    expect((await openDirectoryValue(sealer, directoryKeyOf(value.route), clear)).kind).not.toBe("value");
    const snapshot = toBinary(DirectorySnapshotSchema, create(DirectorySnapshotSchema, { version: 1 }));
    expect((await openDirectorySnapshot(sealer, snapshot)).kind).not.toBe("snapshot");
  });

  it("tells a newer version from undecodable bytes and writes neither", async () => {
    const newer = create(DirectoryValueSchema, { version: 2, route: "webhook/slack" });
    const key = directoryKeyOf(newer.route);
    const seal = (bytes: Uint8Array<ArrayBuffer>) => sealer.seal({ bucket: "mio_directory", key }, 0n, bytes);
    const open = async (bytes: Promise<Uint8Array>) => openDirectoryValue(sealer, key, await bytes);
    expect(await open(seal(toBinary(DirectoryValueSchema, newer)))).toEqual({ kind: "newer_version", version: 2 });
    for (const bytes of [Uint8Array.of(0xff), new Uint8Array()]) {
      expect((await open(seal(bytes))).kind).toBe("undecodable");
      expect((await openDirectoryValue(sealer, key, bytes)).kind).toBe("undecodable");
    }
    await expect(sealDirectoryValue(sealer, newer)).rejects.toThrow(/version/);
    await expect(sealDirectoryValue(sealer, create(DirectoryValueSchema, { version: 1 }))).rejects.toThrow(/route/);
    await expect(sealDirectorySnapshot(sealer, create(DirectorySnapshotSchema))).rejects.toThrow(/version/);
  });

  it("opens what an earlier version has sealed", async () => {
    const golden = (name: string) =>
      readFileSync(new URL(`../../../../proto/golden/mio.edge.v1.${name}.full.binpb`, import.meta.url));
    const value = fromBinary(DirectoryValueSchema, golden("DirectoryValue"));
    const opened = await openDirectoryValue(sealer, directoryKeyOf(value.route), golden("SealedValue"));
    expect(opened).toEqual({ kind: "value", value, sealedWith: sealer.sealsWith });
  });
});
