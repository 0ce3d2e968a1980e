import { create, toBinary } from "@bufbuild/protobuf";
import { DirectorySnapshotSchema, DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  accountRoute,
  channelRoute,
  decodeDirectorySnapshot,
  decodeDirectoryValue,
  directoryKeyOf,
  encodeDirectorySnapshot,
  encodeDirectoryValue,
  snapshotKey,
  workspaceRoute,
} from "./directory.ts";

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

  it("gives values and snapshots back", () => {
    const value = create(DirectoryValueSchema, {
      version: 1,
      route: accountRoute("slack", account),
      rowVersion: 7n,
      secrets: [{ scheme: "slack-v0", value: "s" }],
      account: { accountId: account, shardCount: 2 },
    });
    expect(decodeDirectoryValue(encodeDirectoryValue(value))).toEqual({ kind: "value", value });
    const snapshot = create(DirectorySnapshotSchema, { version: 1, entries: 3n, revision: 9n });
    expect(decodeDirectorySnapshot(encodeDirectorySnapshot(snapshot))).toEqual({ kind: "snapshot", snapshot });
  });

  it("tells a newer version from undecodable bytes and writes neither", () => {
    const newer = create(DirectoryValueSchema, { version: 2, route: "webhook/slack" });
    expect(decodeDirectoryValue(toBinary(DirectoryValueSchema, newer))).toEqual({ kind: "newer_version", version: 2 });
    expect(decodeDirectoryValue(Uint8Array.of(0xff)).kind).toBe("undecodable");
    expect(decodeDirectoryValue(new Uint8Array()).kind).toBe("undecodable");
    expect(() => encodeDirectoryValue(newer)).toThrow(/version/);
    expect(() => encodeDirectoryValue(create(DirectoryValueSchema, { version: 1 }))).toThrow(/route/);
    expect(() => encodeDirectorySnapshot(create(DirectorySnapshotSchema))).toThrow(/version/);
  });
});
