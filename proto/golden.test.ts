// Known envelopes, as bytes and as protojson. Present code must read what was once written, and write it the same.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DescMessage, fromBinary, fromJson, type JsonValue, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { describe, expect, it } from "vitest";
import { mustBuf, protoDir } from "./buf.ts";
import { IngressEventSchema, IngressGroupSchema } from "./gen/mio/edge/v1/edge_pb.ts";
import { MessageSchema } from "./gen/mio/v1/message_pb.ts";
import { files, registry } from "./registry.ts";

const goldenDir = join(protoDir, "golden");
const names = readdirSync(goldenDir)
  .filter((file) => file.startsWith("mio.") && file.endsWith(".binpb"))
  .map((file) => file.slice(0, -".binpb".length));

/** What travels or is stored by itself; everything else is inside one of these. */
const roots = [
  "mio.v1.Message",
  "mio.v1.SendCommand",
  "mio.v1.DeliveryReceipt",
  "mio.v1.AttachmentStored",
  "mio.v1.Presence",
  "mio.v1.ChannelCapabilities",
  "mio.edge.v1.IngressGroup",
  "mio.edge.v1.IngressEvent",
  "mio.edge.v1.QuarantineEntry",
  "mio.edge.v1.SealedValue",
  "mio.edge.v1.DirectoryValue",
  "mio.edge.v1.DirectorySnapshot",
  "mio.edge.v1.OAuthCallback",
  "mio.edge.v1.OAuthAnswer",
  "mio.edge.v1.EdgeTelemetry",
];

describe("golden envelopes", () => {
  it("exist for everything that travels by itself", () => {
    expect([...new Set(names.map(typeOf))].sort()).toEqual([...roots].sort());
  });

  it.each(names)("%s: bytes become the JSON, and the same bytes again", (name) => {
    const { schema, bytes, json } = golden(name);
    const message = fromBinary(schema, bytes);
    expect(toJson(schema, message, { useProtoFieldName: true })).toEqual(json);
    expect(hex(toBinary(schema, message))).toBe(hex(bytes));
  });

  it.each(names)("%s: the JSON becomes the bytes", (name) => {
    const { schema, bytes, json } = golden(name);
    expect(hex(toBinary(schema, fromJson(schema, json)))).toBe(hex(bytes));
  });

  it.each(names)("%s: another implementation (buf's, in Go) reads the bytes as the JSON", (name) => {
    const from = `${join(goldenDir, name)}.binpb`;
    const output = mustBuf([
      "convert",
      ".",
      `--type=${typeOf(name)}`,
      `--from=${from}`,
      "--to=-#format=json,use_proto_names=true",
    ]);
    expect(normal(golden(name).schema, JSON.parse(output))).toEqual(golden(name).json);
  });

  it("fill every field of both wire packages, each member of a oneof included", () => {
    const filled = new Set(names.flatMap((name) => filledFields(golden(name))));
    const fields = files
      .filter((file) => file.proto.package !== "mio.admin.v1")
      .flatMap((file) => file.messages)
      .flatMap((desc) => desc.fields.map((field) => `${desc.typeName}.${field.name}`));
    expect(fields.filter((field) => !filled.has(field))).toEqual([]);
  });

  it("carry real events in a group, and a real message in an event", () => {
    const group = fromBinary(IngressGroupSchema, golden("mio.edge.v1.IngressGroup.full").bytes);
    const [first, second] = group.events.map((bytes) => fromBinary(IngressEventSchema, bytes).body);
    if (first?.case !== "message" || second?.case !== "quarantine") throw new Error(`found ${first?.case}, ${second?.case}`);
    expect(hex(first.value)).toBe(hex(golden("mio.v1.Message.full").bytes));
    expect(second.value.workspaceExternalId).not.toBe("");
  });
});

describe("an envelope from a newer version", () => {
  // Field 1000, wire type 2, "new": what a program that knows more may have written.
  const unknownField = Uint8Array.from([0xc2, 0x3e, 3, 0x6e, 0x65, 0x77]);

  it("keeps a field that we do not know when it is passed on", () => {
    const known = golden("mio.v1.Message.full").bytes;
    const bytes = Uint8Array.from([...known, ...unknownField]);
    const message = fromBinary(MessageSchema, bytes);
    expect(message.$unknown?.map(({ no }) => no)).toEqual([1000]);
    expect(hex(toBinary(MessageSchema, message))).toBe(hex(bytes));
  });

  it("keeps an enum value that we do not know", () => {
    // Field 8, conversation_kind, value 99.
    const bytes = Uint8Array.from([0x40, 99]);
    expect(hex(toBinary(MessageSchema, fromBinary(MessageSchema, bytes)))).toBe(hex(bytes));
  });
});

type Golden = { schema: DescMessage; bytes: Uint8Array; json: JsonValue };

function golden(name: string): Golden {
  const schema = registry.getMessage(typeOf(name));
  if (!schema) throw new Error(`golden/${name}.binpb names a message that does not exist`);
  const file = join(goldenDir, name);
  return { schema, bytes: readFileSync(`${file}.binpb`), json: JSON.parse(readFileSync(`${file}.json`, "utf8")) };
}

/** "mio.v1.Message.full" is a mio.v1.Message. */
function typeOf(name: string): string {
  return name.slice(0, name.lastIndexOf("."));
}

/** protojson leaves the spelling of a time's fraction open; reading it once makes it ours. */
function normal(schema: DescMessage, json: JsonValue): JsonValue {
  return toJson(schema, fromJson(schema, json), { useProtoFieldName: true });
}

function filledFields({ schema, bytes }: Golden): string[] {
  return walk(reflect(schema, fromBinary(schema, bytes)));
}

function walk(message: ReflectMessage): string[] {
  return message.fields.flatMap((field) => {
    if (!message.isSet(field)) return [];
    const own = `${message.desc.typeName}.${field.name}`;
    if (field.fieldKind === "message") return [own, ...walk(message.get(field))];
    if (field.fieldKind !== "list" || field.listKind !== "message") return [own];
    return [own, ...[...message.get(field)].flatMap((item) => walk(asReflected(field.message, item)))];
  });
}

/** A reflected list of messages types its items as unknown. */
function asReflected(schema: DescMessage, item: unknown): ReflectMessage {
  return isReflected(item) ? item : reflect(schema, item as Message);
}

function isReflected(item: unknown): item is ReflectMessage {
  return typeof item === "object" && item !== null && "desc" in item && "fields" in item;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
