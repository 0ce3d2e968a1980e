// What one record of the ingress stream asks for, decided without any I/O: events to publish, quarantine entries to forward, dead letters to keep.
// Nothing that can be wrong with a record throws here.

import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { IngressEvent } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { EdgeInfoSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { inboundMessageId, type Origin } from "@mio/shared/bus/names/headers.ts";
import { isToken, parseIngressSubject, parseSubject, quarantineSubject } from "@mio/shared/bus/names/subjects.ts";
import type { LogRecord } from "@mio/shared/bus/read/log-source.ts";
import { decodeMessage, disagreementWithSubject, encodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { sourceMessageIdFault } from "@mio/shared/bus/wire/inbound-event.ts";
import { decodeIngressEvent, decodeIngressGroup, encodeQuarantineEntry } from "@mio/shared/bus/wire/ingress-group.ts";
import type { DeadLetter } from "@mio/shared/bus/write/dead-letter.ts";
import { isUuid } from "@mio/shared/ids.ts";
import type { PlannedClosing } from "./closings.ts";
import { keyDayOf } from "./key-days.ts";
import type { NewKey } from "./keys.ts";

export interface PlannedEvent {
  kind: "event";
  key: NewKey;
  subject: string;
  data: Uint8Array;
  /** `Nats-Msg-Id`. */
  brokerId: string;
  traceparent: string;
  receivedAtMs: number | undefined;
  /** Which edge brought it, by its region; empty when it does not say. */
  edge: string;
  deadLetter: Omit<DeadLetter, "reason">;
}

interface PlannedQuarantine {
  kind: "quarantine";
  subject: string;
  data: Uint8Array;
  channelType: string;
}

interface PlannedDeadLetter {
  kind: "dead_letter";
  deadLetter: DeadLetter;
  channelType: string;
}

export type PlannedItem = PlannedEvent | PlannedQuarantine | PlannedDeadLetter | PlannedClosing;

type RecordPlan =
  | { kind: "items"; items: PlannedItem[] }
  /** Written by a newer edge than we know: it is left where it is, and so is our position. */
  | { kind: "newer_version"; version: number };

/** Never throws: what cannot be read becomes a dead letter, and only a newer version stops. */
export function planRecord(record: LogRecord, stream: string): RecordPlan {
  const { streamEpochMs, sequence, subject } = record;
  const whole = { service: "dedup", stream, streamEpochMs, sequence, subject, data: record.data };
  const place = parseIngressSubject(record.subject);
  const decoded = decodeIngressGroup(record.data);
  if (decoded.kind === "newer_version") return decoded;
  if (decoded.kind === "undecodable")
    return { kind: "items", items: [deadLetterOf(whole, `the group cannot be decoded: ${decoded.reason}`)] };
  const { group } = decoded;
  if (group.region !== place?.region || group.shard !== place.shard) {
    return { kind: "items", items: [deadLetterOf(whole, "the group's region or shard differs from its subject's")] };
  }
  const items: PlannedItem[] = [];
  for (const [index, bytes] of group.events.entries()) {
    const event = decodeIngressEvent(bytes);
    if (event.kind === "newer_version") return event;
    const deadLetter = { ...whole, index, data: bytes };
    const origin = { streamEpochMs, sequence, index };
    if (event.kind === "undecodable") items.push(deadLetterOf(deadLetter, `the event cannot be decoded: ${event.reason}`));
    else items.push(planEvent(event.event, origin, group.spooled, deadLetter));
  }
  return { kind: "items", items };
}

function planEvent(event: IngressEvent, origin: Origin, spooled: boolean, from: Omit<DeadLetter, "reason">): PlannedItem {
  const deadLetter = { ...from, scopes: scopesOf(event) };
  if (event.body.case === "quarantine") {
    const { value: entry } = event.body;
    if (!isToken(entry.id) || !isToken(entry.channelType))
      return deadLetterOf(deadLetter, "the quarantine entry has no usable id or channel", event.channelType);
    return {
      kind: "quarantine",
      subject: quarantineSubject(entry.channelType, entry.id),
      data: encodeQuarantineEntry(entry),
      channelType: entry.channelType,
    };
  }
  if (event.body.case === "layoutClosed") {
    const { generation: layoutVersion, edge } = event.body.value;
    const place = parseIngressSubject(from.subject);
    if (!isUuid(event.accountId) || !isToken(edge) || !place)
      return deadLetterOf(deadLetter, "the closing marker names no account or no edge");
    return { kind: "closing", accountId: event.accountId, layoutVersion: String(layoutVersion), edge, ...place };
  }
  if (event.body.case !== "message") return deadLetterOf(deadLetter, "the event has no body", event.channelType);
  const decoded = decodeMessage(event.body.value);
  if (decoded.kind === "undecodable")
    return deadLetterOf(deadLetter, `the message cannot be decoded: ${decoded.reason}`, event.channelType);
  if (decoded.kind === "other_version")
    return deadLetterOf(deadLetter, `the message has schema_version ${decoded.version}`, event.channelType);
  const { message } = decoded;
  const reason =
    parseSubject(event.subject)?.direction === "inbound"
      ? (disagreementWithSubject(message, event.subject) ?? fault(event, message))
      : "its subject is not one of mio.inbound";
  if (reason !== undefined) return deadLetterOf(deadLetter, `the event is not published: ${reason}`, event.channelType);

  let data = event.body.value;
  if (spooled && !message.edge?.spooled) {
    message.edge ??= create(EdgeInfoSchema);
    message.edge.spooled = true;
    data = encodeMessage(message);
  }
  const { accountId, sourceMessageId, tenantId, channelType, conversationId, conversationExternalId } = message;
  const key = {
    eventDay: keyDayOf(event.eventDay),
    accountId,
    sourceMessageId,
    tenantId,
    channelType,
    conversationId,
    conversationExternalId: storable(conversationExternalId),
    senderExternalId: storable(message.sender?.externalId ?? ""),
    messageId: message.id,
    origin,
  };
  const receivedAtMs = event.receivedAt ? timestampMs(event.receivedAt) : undefined;
  return {
    kind: "event",
    key,
    subject: event.subject,
    data,
    brokerId: inboundMessageId(accountId, sourceMessageId),
    traceparent: event.traceparent,
    receivedAtMs,
    edge: message.edge?.region ?? "",
    deadLetter,
  };
}

interface Ids {
  tenantId: string;
  accountId: string;
  conversationId: string;
  sourceMessageId: string;
}

/** Why an event that agrees with its subject still cannot be keyed; undefined when it can. */
function fault(event: Ids & { messageId: string }, message: Ids & { id: string }): string | undefined {
  for (const name of ["tenantId", "accountId", "conversationId", "sourceMessageId"] as const) {
    if (event[name] !== message[name]) return `its ${name} differs from its message's`;
  }
  if (event.messageId !== message.id) return "its messageId differs from its message's id";
  if (![message.id, message.tenantId, message.accountId, message.conversationId].every(isUuid))
    return "an id of it is not a UUID";
  const unusable = sourceMessageIdFault(message.sourceMessageId);
  return unusable === undefined ? undefined : `its source_message_id ${unusable}`;
}

function scopesOf(event: IngressEvent): NonNullable<DeadLetter["scopes"]> {
  const { tenantId, accountId, conversationId, senderExternalId } = event;
  return { tenantId, accountId, conversationId, senderExternalId };
}

function deadLetterOf(deadLetter: Omit<DeadLetter, "reason">, reason: string, channelType = ""): PlannedDeadLetter {
  return { kind: "dead_letter", deadLetter: { ...deadLetter, reason }, channelType };
}

/** Postgres takes no NUL in a text. */
function storable(text: string): string {
  return text.replaceAll("\0", "\ufffd");
}
