// The directory bucket as edge and core both understand it: what a route is called, which key it has, and its value as bytes.
// Keys are hashes, so that listing the bucket tells nobody which workspaces or accounts exist.
import { toBinary } from "@bufbuild/protobuf";
import {
  type DirectorySnapshot,
  DirectorySnapshotSchema,
  type DirectoryValue,
  DirectoryValueSchema,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { decodeVersioned, edgeVersion, type Unreadable } from "./ingress-group.ts";

/** The shared URL of a channel. Its value holds the secrets of all live accounts: enough to tell "verified, nobody's" from forged. */
export function channelRoute(channelType: string): string {
  return `webhook/${channelType}`;
}

/** An account's own URL. */
export function accountRoute(channelType: string, accountId: string): string {
  return `webhook/${channelType}/${accountId}`;
}

/** The account of a workspace, organisation or bot that a request on the shared URL claims to come from. */
export function workspaceRoute(channelType: string, externalId: string): string {
  return `workspace/${channelType}/${externalId}`;
}

/** The bucket's key of a route: SHA-256 of its text in lower-case hex. */
export function directoryKeyOf(route: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(route)));
}

/** The key of the marker that a publisher writes once it has made the bucket whole; no hash can be spelt so. */
export const snapshotKey = "snapshot";

export type DecodedDirectoryValue = { kind: "value"; value: DirectoryValue } | Unreadable;
export type DecodedDirectorySnapshot = { kind: "snapshot"; snapshot: DirectorySnapshot } | Unreadable;

/** Throws at another version than ours and at a value without a route: both are faults of the caller. */
export function encodeDirectoryValue(value: DirectoryValue): Uint8Array<ArrayBuffer> {
  if (value.version !== edgeVersion) throw new Error(`directory value is not written: its version is ${value.version}`);
  if (value.route === "") throw new Error("directory value is not written: it names no route");
  return toBinary(DirectoryValueSchema, value);
}

/** As `encodeDirectoryValue`. */
export function encodeDirectorySnapshot(snapshot: DirectorySnapshot): Uint8Array<ArrayBuffer> {
  if (snapshot.version !== edgeVersion) throw new Error(`directory snapshot is not written: its version is ${snapshot.version}`);
  return toBinary(DirectorySnapshotSchema, snapshot);
}

/** Never throws. */
export function decodeDirectoryValue(bytes: Uint8Array): DecodedDirectoryValue {
  const decoded = decodeVersioned(DirectoryValueSchema, bytes);
  return decoded.kind === "decoded" ? { kind: "value", value: decoded.value } : decoded;
}

/** Never throws. */
export function decodeDirectorySnapshot(bytes: Uint8Array): DecodedDirectorySnapshot {
  const decoded = decodeVersioned(DirectorySnapshotSchema, bytes);
  return decoded.kind === "decoded" ? { kind: "snapshot", snapshot: decoded.value } : decoded;
}
