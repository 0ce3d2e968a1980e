// The directory bucket as edge and core both understand it: what a route is called, which key it has, and its value as sealed bytes.
// Keys are hashes and values are sealed, so that reading the bucket tells nobody which accounts exist, and writing to it makes none.
import { toBinary } from "@bufbuild/protobuf";
import {
  type DirectorySnapshot,
  DirectorySnapshotSchema,
  type DirectoryValue,
  DirectoryValueSchema,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { buckets } from "../names/streams.ts";
import { decodeVersioned, edgeVersion, type Unreadable } from "./ingress-group.ts";
import type { Opener, Sealer } from "./sealed-value.ts";

/**
 * The shared URL of a channel. Its value holds the secrets of all live accounts: enough to distinguish a genuine request without an account
 * from a forged one.
 */
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

/** Why bytes are no value of their key: forged, moved from another key, or contradicting themselves. */
export type Refused = { kind: "refused"; reason: "unknown_key" | "not_authentic" | "at_odds" };

/** `sealedWith` is the name of the key, as `Opener.keys` has it. */
export type OpenedDirectoryValue = { kind: "value"; value: DirectoryValue; sealedWith: string } | Unreadable | Refused;
export type OpenedDirectorySnapshot =
  | { kind: "snapshot"; snapshot: DirectorySnapshot; sealedWith: string }
  | Unreadable
  | Refused;

/** Throws at another version than ours and at a value without a route: both are faults of the caller. */
export async function sealDirectoryValue(sealer: Sealer, value: DirectoryValue): Promise<Uint8Array<ArrayBuffer>> {
  if (value.version !== edgeVersion) throw new Error(`directory value is not written: its version is ${value.version}`);
  if (value.route === "") throw new Error("directory value is not written: it names no route");
  return sealer.seal(placeOf(directoryKeyOf(value.route)), value.rowVersion, toBinary(DirectoryValueSchema, value));
}

/** As `sealDirectoryValue`. Sealed as well: a forged marker would make unknown of what is only not loaded. */
export async function sealDirectorySnapshot(sealer: Sealer, snapshot: DirectorySnapshot): Promise<Uint8Array<ArrayBuffer>> {
  if (snapshot.version !== edgeVersion) throw new Error(`directory snapshot is not written: its version is ${snapshot.version}`);
  return sealer.seal(placeOf(snapshotKey), 0n, toBinary(DirectorySnapshotSchema, snapshot));
}

/** What stands under a key of the bucket. Never rejects. */
export async function openDirectoryValue(opener: Opener, key: string, bytes: Uint8Array): Promise<OpenedDirectoryValue> {
  const opened = await opener.open(placeOf(key), bytes);
  if (opened.kind !== "opened") return opened;
  const decoded = decodeVersioned(DirectoryValueSchema, opened.bytes);
  if (decoded.kind !== "decoded") return decoded;
  const { value } = decoded;
  const fits = value.rowVersion === opened.rowVersion && directoryKeyOf(value.route) === key;
  return fits ? { kind: "value", value, sealedWith: opened.sealedWith } : { kind: "refused", reason: "at_odds" };
}

/** What stands under `snapshotKey`. Never rejects. */
export async function openDirectorySnapshot(opener: Opener, bytes: Uint8Array): Promise<OpenedDirectorySnapshot> {
  const opened = await opener.open(placeOf(snapshotKey), bytes);
  if (opened.kind !== "opened") return opened;
  const decoded = decodeVersioned(DirectorySnapshotSchema, opened.bytes);
  return decoded.kind === "decoded" ? { kind: "snapshot", snapshot: decoded.value, sealedWith: opened.sealedWith } : decoded;
}

function placeOf(key: string) {
  return { bucket: buckets.directory.name, key };
}
