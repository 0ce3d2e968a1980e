import { create, toBinary } from "@bufbuild/protobuf";
import { DeliveryReceiptSchema } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeCommand,
  decodeMessage,
  decodeReceipt,
  disagreementWithSubject,
  encodeCommand,
  encodeMessage,
  encodeReceipt,
} from "./envelope.ts";

const scopes = {
  schemaVersion: 1,
  tenantId: "11111111-1111-4111-8111-111111111111",
  accountId: "22222222-2222-4222-8222-222222222222",
  channelType: "slack",
  conversationId: "33333333-3333-5333-8333-333333333333",
};
const target = "44444444-4444-5444-8444-444444444444";
const message = create(MessageSchema, { ...scopes, id: "m", text: "grüße 👋", attributes: { slack_ts: "1.2" } });
const command = create(SendCommandSchema, { ...scopes, id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", text: "hello" });
const receipt = create(DeliveryReceiptSchema, { ...scopes, id: "r", commandId: command.id, final: true });
const subject = (direction: string, rest = "") => `mio.${direction}.slack.${scopes.accountId}.${scopes.conversationId}${rest}`;

const agreesWithSubject = (...args: Parameters<typeof disagreementWithSubject>) => disagreementWithSubject(...args) === undefined;

describe("encode and decode", () => {
  it("gives back what was published", () => {
    expect(decodeMessage(encodeMessage(message))).toEqual({ kind: "message", message });
    expect(decodeCommand(encodeCommand(command))).toEqual({ kind: "command", command });
    expect(decodeReceipt(encodeReceipt(receipt))).toEqual({ kind: "receipt", receipt });
  });

  it("refuses to publish another schema version", () => {
    for (const schemaVersion of [0, 2, -1, 2147483647]) {
      expect(() => encodeMessage({ ...message, schemaVersion })).toThrow(/schema_version/);
      expect(() => encodeCommand({ ...command, schemaVersion })).toThrow(/schema_version/);
      expect(() => encodeReceipt({ ...receipt, schemaVersion })).toThrow(/schema_version/);
    }
  });

  it("refuses to publish an empty scope, but on the receipt of what could not be decoded", () => {
    for (const scope of ["tenantId", "accountId", "channelType", "conversationId"]) {
      expect(() => encodeMessage({ ...message, [scope]: "" })).toThrow(scope);
      expect(() => encodeCommand({ ...command, [scope]: "" })).toThrow(scope);
      expect(decodeReceipt(encodeReceipt({ ...receipt, [scope]: "" })).kind).toBe("receipt");
    }
  });

  it("tells another version from undecodable bytes", () => {
    for (const schemaVersion of [0, 2, 99]) {
      expect(decodeMessage(toBinary(MessageSchema, { ...message, schemaVersion }))).toEqual({
        kind: "other_version",
        version: schemaVersion,
      });
    }
    expect(decodeCommand(new Uint8Array())).toEqual({ kind: "other_version", version: 0 });
    for (const bytes of [[0xff], [0x0a, 0x05, 0x61], [0x0a, 0x01, 0xff], [0x07]]) {
      expect(decodeMessage(Uint8Array.from(bytes)).kind).toBe("undecodable");
      expect(decodeCommand(Uint8Array.from(bytes)).kind).toBe("undecodable");
      expect(decodeReceipt(Uint8Array.from(bytes)).kind).toBe("undecodable");
    }
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const decode of [decodeMessage, decodeCommand, decodeReceipt]) expect(decode(bytes).kind).toBeTypeOf("string");
      }),
    );
  });

  it("passes on fields that it does not know", () => {
    const unknownField = Uint8Array.from([...encodeMessage(message), 0xba, 0x3e, 0x01, 0x61]); // Field 999, "a".
    const decoded = decodeMessage(unknownField);
    expect(decoded.kind === "message" && encodeMessage(decoded.message)).toEqual(unknownField);
  });
});

describe("agreement with the subject", () => {
  it("holds on the envelope's own subjects", () => {
    expect(agreesWithSubject(message, subject("inbound"))).toBe(true);
    expect(agreesWithSubject(message, subject("inbound_enriched"))).toBe(true);
    expect(agreesWithSubject(command, subject("outbound"))).toBe(true);
    expect(agreesWithSubject(receipt, subject("receipt"))).toBe(true);
  });

  it("takes an edit or delete on the subject of its target, and only there", () => {
    const edit = { ...command, editOfMessageId: target };
    const relation = create(SendCommandSchema, {
      relation: { kind: MessageRelation_Kind.DELETE, targetMessageId: target },
    }).relation;
    expect(agreesWithSubject(edit, subject("outbound", `.${target}`))).toBe(true);
    expect(agreesWithSubject(edit, subject("outbound"))).toBe(true);
    expect(agreesWithSubject({ ...command, ...(relation && { relation }) }, subject("outbound", `.${target}`))).toBe(true);
    expect(agreesWithSubject({ ...command, editOfExternalId: "17" }, subject("outbound", ".any"))).toBe(true);
    expect(agreesWithSubject(edit, subject("outbound", ".other"))).toBe(false);
  });

  it("fails for every part that differs, and for what is no subject", () => {
    for (const part of ["channelType", "accountId", "conversationId"]) {
      expect(agreesWithSubject({ ...message, [part]: "other" }, subject("inbound"))).toBe(false);
    }
    for (const wrong of ["outbound", "receipt", "attachment"]) expect(agreesWithSubject(message, subject(wrong))).toBe(false);
    for (const wrong of ["inbound", "receipt"]) expect(agreesWithSubject(command, subject(wrong))).toBe(false);
    for (const text of ["", "mio", "mio.inbound.slack", "mio.ingress.eu.1", `${subject("inbound")}.x.y`]) {
      expect(disagreementWithSubject(message, text)).toBe("the subject is not of the grammar");
    }
  });
});
