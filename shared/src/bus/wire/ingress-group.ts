// What the edge sends to core, as bytes (mio.edge.v1). Edge and core deploy apart: decoding distinguishes a newer version, which the reader
// leaves where it is without moving its position, from what is undecodable.
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  type IngressEvent,
  IngressEventSchema,
  type IngressGroup,
  IngressGroupSchema,
  type QuarantineEntry,
  QuarantineEntrySchema,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";

/** The version that is written, and the newest that is read. */
export const edgeVersion = 1;

/** `verified_by` of a quarantine entry that a secret of all accounts of its channel verified. */
export const verifiedByChannel = "channel";

export type Unreadable =
  | { kind: "undecodable"; reason: string }
  /** Written by a newer edge: alarm, and leave it. */
  | { kind: "newer_version"; version: number };

export type DecodedGroup = { kind: "group"; group: IngressGroup } | Unreadable;
export type DecodedEvent = { kind: "event"; event: IngressEvent } | Unreadable;
export type DecodedQuarantine = { kind: "quarantine"; entry: QuarantineEntry } | Unreadable;

/** Sets our version where none is given, and throws at any other. The field `generation` is always 1: nobody reads it (edge.proto says why). */
export function encodeIngressGroup(group: MessageInitShape<typeof IngressGroupSchema>): Uint8Array<ArrayBuffer> {
  return encode(IngressGroupSchema, { generation: 1n, ...group });
}

/** As `encodeIngressGroup`; an event without a body is refused, for nobody could place it. */
export function encodeIngressEvent(event: MessageInitShape<typeof IngressEventSchema>): Uint8Array<ArrayBuffer> {
  if (event.body?.case === undefined) throw new Error(`ingress event ${event.messageId ?? ""} is not sent: it has no body`);
  return encode(IngressEventSchema, event);
}

/** As `encodeIngressGroup`. */
export function encodeQuarantineEntry(entry: MessageInitShape<typeof QuarantineEntrySchema>): Uint8Array<ArrayBuffer> {
  return encode(QuarantineEntrySchema, entry);
}

/** Opens the group only: each of its events is decoded by itself, so that one bad event does not take the others with it. */
export function decodeIngressGroup(bytes: Uint8Array): DecodedGroup {
  const decoded = decodeVersioned(IngressGroupSchema, bytes);
  return decoded.kind === "decoded" ? { kind: "group", group: decoded.value } : decoded;
}

/** Never throws; an event without a body is undecodable. */
export function decodeIngressEvent(bytes: Uint8Array): DecodedEvent {
  const decoded = decodeVersioned(IngressEventSchema, bytes);
  if (decoded.kind !== "decoded") return decoded;
  const event = decoded.value;
  if (event.body.case === undefined) return { kind: "undecodable", reason: "the event has no body" };
  const unreadable = event.body.case === "quarantine" ? unreadableVersion(event.body.value.version) : undefined;
  return unreadable ?? { kind: "event", event };
}

/** Never throws. */
export function decodeQuarantineEntry(bytes: Uint8Array): DecodedQuarantine {
  const decoded = decodeVersioned(QuarantineEntrySchema, bytes);
  return decoded.kind === "decoded" ? { kind: "quarantine", entry: decoded.value } : decoded;
}

type Versioned = typeof IngressGroupSchema | typeof IngressEventSchema | typeof QuarantineEntrySchema;

function encode<Schema extends Versioned>(schema: Schema, init: MessageInitShape<Schema>): Uint8Array<ArrayBuffer> {
  const message = create<DescMessage>(schema, { version: edgeVersion, ...init });
  const version = versionOf(message);
  if (version !== edgeVersion) throw new Error(`${schema.typeName} is not sent: its version is ${version}, not ${edgeVersion}`);
  return toBinary<DescMessage>(schema, message);
}

/** Decodes what is of the version that we write; names what is newer or cannot be read. Never throws. */
export function decodeVersioned<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
): { kind: "decoded"; value: MessageShape<Schema> } | Unreadable {
  try {
    const value = fromBinary(schema, bytes);
    return unreadableVersion(versionOf(value)) ?? { kind: "decoded", value };
  } catch (cause) {
    return { kind: "undecodable", reason: cause instanceof Error ? cause.message : "not valid wire format" };
  }
}

function unreadableVersion(version: number): Unreadable | undefined {
  if (version > edgeVersion) return { kind: "newer_version", version };
  return version < 1 ? { kind: "undecodable", reason: `version ${version} was never written` } : undefined;
}

function versionOf(value: object): number {
  return "version" in value && typeof value.version === "number" ? value.version : 0;
}
