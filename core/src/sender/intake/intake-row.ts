// A message of the outbound stream as a row of the ledger. What cannot be decoded, is of another schema version, is at odds with its
// subject or has no usable id becomes a dead row: it still gets its one final receipt, and its bytes a dead letter.
import { createHash } from "node:crypto";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { type Direction, isToken, subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { traceIdOf } from "@mio/shared/bus/names/trace.ts";
import { decodeCommand, disagreementWithSubject } from "@mio/shared/bus/wire/envelope.ts";
import type { AccountId, ConversationId } from "@mio/shared/ids.ts";
import { editedBy } from "../delivery/edit-target.ts";
import type { IntakeRow } from "../ledger/intake.ts";

export interface Incoming {
  subject: string;
  data: Uint8Array;
  streamSequence: number;
  /** `Nats-Msg-Id`; empty when it has none. */
  messageId: string;
  traceparent: string;
}

const idLengthMax = 200;
/** Ids and message ids travel in headers and log lines. */
const idPattern = /^[\x21-\x7e]+$/;

/** Never throws, whatever the bytes are. */
export function intakeRowOf(incoming: Incoming, streamEpoch: number): IntakeRow {
  const decoded = decodeCommand(incoming.data);
  switch (decoded.kind) {
    case "undecodable":
      return deadRow(incoming, streamEpoch, "undecodable", "the message is no SendCommand");
    case "other_version":
      return deadRow(incoming, streamEpoch, "schema_version", `schema_version is ${decoded.version}, not 1`);
    case "command":
      return commandRow(incoming, streamEpoch, decoded.command);
  }
}

/** A dead row under the message's `Nats-Msg-Id`, or under `seq-<n>` when it has none. */
function deadRow(incoming: Incoming, streamEpoch: number, code: string, text: string): IntakeRow {
  const [, , channelType, accountId, conversationId] = incoming.subject.split(".");
  const token = (part: string | undefined) => (isToken(part) ? part : "unknown");
  const place = streamEpoch === 1 ? `seq-${incoming.streamSequence}` : `seq-${streamEpoch}-${incoming.streamSequence}`;
  const scopes = { channelType: token(channelType), accountId: token(accountId), conversationId: token(conversationId) };
  return {
    kind: "dead",
    id: isUsableId(incoming.messageId) ? incoming.messageId : place,
    tenantId: "",
    ...scopes,
    conversationExternalId: "",
    streamSequence: incoming.streamSequence,
    content: incoming.data,
    contentSha256: sha256(incoming.data),
    errorCode: code,
    errorText: text,
    causeMessageId: "",
    editOf: "",
    cancelOf: "",
    retryOf: "",
    traceparent: traceparentOf(incoming),
    notBefore: undefined,
    expiresAt: undefined,
    receiptSubject: subjectIn("receipt", scopes),
    deadLetterOf: incoming.subject,
  };
}

/** The same message as a dead row under its place in the stream, where its own id serves no more. */
export function deadInPlaceOf(row: IntakeRow, streamEpoch: number, code: string, text: string): IntakeRow {
  const { content: data, streamSequence, traceparent } = row;
  // The subject's tokens are all that a dead entry takes from it.
  const subject = row.deadLetterOf || subjectIn("outbound", row);
  return deadRow({ subject, data, streamSequence, messageId: "", traceparent }, streamEpoch, code, text);
}

function commandRow(incoming: Incoming, streamEpoch: number, command: SendCommand): IntakeRow {
  const disagreement = disagreementWithSubject(command, incoming.subject);
  if (disagreement !== undefined) return deadRow(incoming, streamEpoch, "at_odds_with_subject", disagreement);
  if (!isUsableId(command.id))
    return deadRow(incoming, streamEpoch, "id_invalid", "the command's id is empty, too long or not printable");
  return {
    kind: "command",
    id: command.id,
    tenantId: storable(command.tenantId),
    accountId: command.accountId,
    channelType: command.channelType,
    conversationId: command.conversationId,
    conversationExternalId: storable(command.conversationExternalId),
    streamSequence: incoming.streamSequence,
    content: incoming.data,
    contentSha256: sha256(incoming.data),
    errorCode: "",
    errorText: "",
    causeMessageId: storable(command.causeMessageId),
    editOf: storable(editOf(command)),
    cancelOf: storable(command.cancelOf),
    retryOf: storable(command.retryOf),
    traceparent: traceparentOf(incoming),
    notBefore: dateOf(command.notBefore),
    expiresAt: dateOf(command.expiresAt),
    receiptSubject: subjectIn("receipt", command),
    deadLetterOf: "",
  };
}

function editOf(command: SendCommand): string {
  const { messageId, externalId } = editedBy(command);
  if (externalId !== "") return `external:${externalId}`;
  return messageId === "" ? "" : `message:${messageId}`;
}

/** Throws when a scope is not one subject token; those of a row always are. */
function subjectIn(
  direction: Direction,
  scopes: Readonly<Record<"channelType" | "accountId" | "conversationId", string>>,
): string {
  return subjectOf({
    direction,
    channelType: scopes.channelType,
    accountId: scopes.accountId as AccountId,
    conversationId: scopes.conversationId as ConversationId,
  });
}

function isUsableId(id: string): boolean {
  return id.length <= idLengthMax && idPattern.test(id);
}

/** Postgres text cannot hold NUL. The content keeps it; these columns only serve to find the row. */
function storable(text: string): string {
  return text.replaceAll("\0", "\ufffd");
}

function traceparentOf(incoming: Incoming): string {
  return traceIdOf(incoming.traceparent) === undefined ? "" : incoming.traceparent;
}

/** The range of google.protobuf.Timestamp; what lies outside is taken as its nearest end. */
const yearOneMs = -62_135_596_800_000;
const year9999Ms = 253_402_300_799_999;

function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  if (timestamp === undefined) return undefined;
  const ms = Number(timestamp.seconds) * 1000 + Math.trunc(timestamp.nanos / 1e6);
  return new Date(Math.min(year9999Ms, Math.max(yearOneMs, ms)));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
