// A message of the outbound stream as a row, as tables: whatever the bytes are, it is a row that the ledger can hold and that gets its one receipt.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { describe, expect, it } from "vitest";
import { type Incoming, intakeRowOf } from "./intake-row.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const subject = "mio.outbound.alpha.account.conversation";

function incomingOf(over: MessageInitShape<typeof SendCommandSchema> = {}, message: Partial<Incoming> = {}): Incoming {
  const command = create(SendCommandSchema, {
    id: "id",
    schemaVersion: 1,
    tenantId: "tenant",
    accountId: "account",
    channelType: "alpha",
    conversationId: "conversation",
    conversationExternalId: "general",
    text: "x",
    ...over,
  });
  const data = toBinary(SendCommandSchema, command);
  return { subject, data, streamSequence: 7, messageId: "message-id", traceparent, ...message };
}

describe("a command", () => {
  it("is a row that can be found by all that it names", () => {
    const row = intakeRowOf(incomingOf({ causeMessageId: "cause", cancelOf: "cancelled", retryOf: "retried" }), 1);
    expect(row).toMatchObject({
      kind: "command",
      id: "id",
      tenantId: "tenant",
      accountId: "account",
      channelType: "alpha",
      conversationId: "conversation",
      conversationExternalId: "general",
      streamSequence: 7,
      errorCode: "",
      causeMessageId: "cause",
      cancelOf: "cancelled",
      retryOf: "retried",
      traceparent,
      receiptSubject: "mio.receipt.alpha.account.conversation",
      deadLetterOf: "",
    });
    expect(row.contentSha256).toHaveLength(32);
  });

  const edits: [MessageInitShape<typeof SendCommandSchema>, string][] = [
    [{}, ""],
    [{ editOfMessageId: "m" }, "message:m"],
    [{ editOfExternalId: "e" }, "external:e"],
    [{ editOfMessageId: "m", editOfExternalId: "e" }, "external:e"],
    [{ relation: { kind: MessageRelation_Kind.EDIT, targetMessageId: "m" } }, "message:m"],
    [{ relation: { kind: MessageRelation_Kind.REPLY, targetMessageId: "m" } }, ""],
  ];
  it.each(edits)("of %o edits %j", (over, editOf) => {
    expect(intakeRowOf(incomingOf(over), 1).editOf).toBe(editOf);
  });

  const dates: [bigint, string][] = [
    [0n, "1970-01-01T00:00:00.000Z"],
    [10n ** 18n, "9999-12-31T23:59:59.999Z"],
    [-(10n ** 18n), "0001-01-01T00:00:00.000Z"],
  ];
  it.each(dates)("is due at %d seconds, or at the nearest time that there is", (seconds, iso) => {
    const row = intakeRowOf(incomingOf({ notBefore: { seconds, nanos: 0 }, expiresAt: { seconds, nanos: 0 } }), 1);
    expect([row.notBefore?.toISOString(), row.expiresAt?.toISOString()]).toEqual([iso, iso]);
  });

  it("keeps what Postgres cannot hold in its content alone", () => {
    const row = intakeRowOf(incomingOf({ conversationExternalId: "a\0b", cancelOf: "\0", editOfMessageId: "\0" }), 1);
    expect([row.conversationExternalId, row.cancelOf, row.editOf]).toEqual(["a\ufffdb", "\ufffd", "message:\ufffd"]);
  });

  it.each(["", "not a traceparent", traceparent.toUpperCase()])("has no trace of %j", (odd) => {
    expect(intakeRowOf(incomingOf({}, { traceparent: odd }), 1).traceparent).toBe("");
  });
});

describe("G5: what is no command", () => {
  const cases: [string, Incoming][] = [
    ["undecodable", incomingOf({}, { data: new Uint8Array([255, 1]) })],
    ["schema_version", incomingOf({ schemaVersion: 2 })],
    ["schema_version", incomingOf({}, { data: new Uint8Array() })],
    ["at_odds_with_subject", incomingOf({ accountId: "another" })],
    ["at_odds_with_subject", incomingOf({}, { subject: "mio.outbound.what" })],
    ["id_invalid", incomingOf({ id: "" })],
    ["id_invalid", incomingOf({ id: "x".repeat(201) })],
    ["id_invalid", incomingOf({ id: "two words" })],
    ["id_invalid", incomingOf({ id: "é" })],
  ];
  it.each(cases)("is dead as %s, and its receipt has a subject", (errorCode, incoming) => {
    const row = intakeRowOf(incoming, 1);
    expect(row).toMatchObject({ kind: "dead", id: "message-id", errorCode, streamSequence: 7, deadLetterOf: incoming.subject });
    expect(row.receiptSubject).toMatch(/^mio\.receipt\.[^.]+\.[^.]+\.[^.]+$/);
    expect(row.content).toBe(incoming.data);
  });

  const places: [string, string, number, string][] = [
    ["its message id", "message-id", 1, "message-id"],
    ["its place, when it has none", "", 1, "seq-7"],
    ["its place, when that is no id", "two words", 1, "seq-7"],
    ["its place in a later stream of that name", "", 3, "seq-3-7"],
  ];
  it.each(places)("stands under %s", (_, messageId, streamEpoch, id) => {
    expect(intakeRowOf(incomingOf({ id: "" }, { messageId }), streamEpoch).id).toBe(id);
  });

  it("has unknown scopes where its subject says none", () => {
    const row = intakeRowOf(incomingOf({}, { subject: "mio.outbound.alpha.a b" }), 1);
    expect(row).toMatchObject({ channelType: "alpha", accountId: "unknown", conversationId: "unknown" });
    expect(row.receiptSubject).toBe("mio.receipt.alpha.unknown.unknown");
  });
});
