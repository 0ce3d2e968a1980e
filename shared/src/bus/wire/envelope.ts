// The envelopes of mio.v1 as bytes: what is published is of our schema version and names its scopes; what is read is
// decoded, of another version, or undecodable, and never an exception.
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type DeliveryReceipt, DeliveryReceiptSchema } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { type Message, MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { type SendCommand, SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { type Direction, parseSubject } from "../names/subjects.ts";

/** The only `schema_version` that is written, and the only one that is read. */
export const schemaVersion = 1;

export type Envelope = Message | SendCommand | DeliveryReceipt;

/** What a reader logs and skips; on the outbound stream it also gets a dead letter and a `failed` receipt. */
export type Unreadable =
  | { kind: "undecodable"; reason: string }
  /** Bytes of another program that happen to be valid wire format show as version 0. */
  | { kind: "other_version"; version: number };

export type DecodedMessage = { kind: "message"; message: Message } | Unreadable;
export type DecodedCommand = { kind: "command"; command: SendCommand } | Unreadable;
export type DecodedReceipt = { kind: "receipt"; receipt: DeliveryReceipt } | Unreadable;

/** Throws when the version is not ours or a scope id is empty: that is a fault of the caller, not of the data. */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  return encode(MessageSchema, message);
}

/** As `encodeMessage`. */
export function encodeCommand(command: SendCommand): Uint8Array<ArrayBuffer> {
  return encode(SendCommandSchema, command);
}

/** As `encodeMessage`, but a command that could not be decoded has no scopes, so its receipt may lack them. */
export function encodeReceipt(receipt: DeliveryReceipt): Uint8Array<ArrayBuffer> {
  refuseOtherVersion(receipt);
  return toBinary(DeliveryReceiptSchema, receipt);
}

/** Never throws, as the two below. */
export function decodeMessage(bytes: Uint8Array): DecodedMessage {
  const decoded = decode(MessageSchema, bytes);
  return decoded.kind === "decoded" ? { kind: "message", message: decoded.value } : decoded;
}

export function decodeCommand(bytes: Uint8Array): DecodedCommand {
  const decoded = decode(SendCommandSchema, bytes);
  return decoded.kind === "decoded" ? { kind: "command", command: decoded.value } : decoded;
}

export function decodeReceipt(bytes: Uint8Array): DecodedReceipt {
  const decoded = decode(DeliveryReceiptSchema, bytes);
  return decoded.kind === "decoded" ? { kind: "receipt", receipt: decoded.value } : decoded;
}

/** Which part of a subject an envelope contradicts, as a sentence without anybody's text; undefined when none. */
export function disagreementWithSubject(envelope: Envelope, subject: string): string | undefined {
  const parsed = parseSubject(subject);
  if (!parsed) return "the subject is not of the grammar";
  if (!directionsOf[envelope.$typeName].includes(parsed.direction))
    return `${envelope.$typeName} does not belong on mio.${parsed.direction}`;
  if (envelope.channelType !== parsed.channelType) return "channel_type differs from the subject's";
  if (envelope.accountId !== parsed.accountId) return "account_id differs from the subject's";
  if (envelope.conversationId !== parsed.conversationId) return "conversation_id differs from the subject's";
  if (parsed.messageId === undefined || envelope.$typeName !== "mio.v1.SendCommand") return undefined;
  // The author of an edit may know only the platform's id; then the token has nothing to agree with.
  const targets = [envelope.editOfMessageId, envelope.relation?.targetMessageId ?? ""].filter((id) => id !== "");
  return targets.length === 0 || targets.includes(parsed.messageId) ? undefined : "the edited message differs from the subject's";
}

const directionsOf: Record<Envelope["$typeName"], readonly Direction[]> = {
  "mio.v1.Message": ["inbound", "inbound_enriched"],
  "mio.v1.SendCommand": ["outbound"],
  "mio.v1.DeliveryReceipt": ["receipt"],
};

function encode<Schema extends typeof MessageSchema | typeof SendCommandSchema>(schema: Schema, envelope: Message | SendCommand) {
  refuseOtherVersion(envelope);
  for (const scope of ["tenantId", "accountId", "channelType", "conversationId"] as const) {
    if (envelope[scope] === "") throw new Error(`${envelope.$typeName} ${envelope.id} is not published: its ${scope} is empty`);
  }
  return toBinary<DescMessage>(schema, envelope);
}

function refuseOtherVersion(envelope: Envelope): void {
  if (envelope.schemaVersion === schemaVersion) return;
  throw new Error(
    `${envelope.$typeName} ${envelope.id} is not published: its schema_version is ${envelope.schemaVersion}, not ${schemaVersion}`,
  );
}

function decode<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
): { kind: "decoded"; value: MessageShape<Schema> } | Unreadable {
  try {
    const value = fromBinary(schema, bytes);
    const version = versionOf(value);
    return version === schemaVersion ? { kind: "decoded", value } : { kind: "other_version", version };
  } catch (cause) {
    return { kind: "undecodable", reason: cause instanceof Error ? cause.message : "not valid wire format" };
  }
}

function versionOf(value: object): number {
  return "schemaVersion" in value && typeof value.schemaVersion === "number" ? value.schemaVersion : 0;
}
