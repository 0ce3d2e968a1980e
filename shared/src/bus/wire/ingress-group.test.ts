import { create, toBinary } from "@bufbuild/protobuf";
import { IngressEventSchema, IngressGroupSchema, QuarantineEntrySchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeIngressEvent,
  decodeIngressGroup,
  decodeQuarantineEntry,
  encodeIngressEvent,
  encodeIngressGroup,
  encodeQuarantineEntry,
} from "./ingress-group.ts";

const event = encodeIngressEvent({
  messageId: "m",
  subject: "mio.inbound.slack.a.c",
  body: { case: "message", value: Uint8Array.of(1, 2) },
});
const quarantine = create(QuarantineEntrySchema, {
  version: 1,
  id: "q",
  reason: "unknown_account",
  body: Uint8Array.of(0xff, 0),
});

describe("ingress group", () => {
  it("gives back a group and its events, one that cannot be decoded beside good ones", () => {
    const decoded = decodeIngressGroup(
      encodeIngressGroup({ id: "g", region: "eu", shard: 1, generation: 3n, events: [event, Uint8Array.of(0xff)] }),
    );
    expect(decoded.kind === "group" && decoded.group).toMatchObject({
      version: 1,
      id: "g",
      region: "eu",
      shard: 1,
      generation: 3n,
    });
    const events = decoded.kind === "group" ? decoded.group.events.map((bytes) => decodeIngressEvent(bytes).kind) : [];
    expect(events).toEqual(["event", "undecodable"]);
  });

  it("carries a quarantined body byte for byte", () => {
    const decoded = decodeIngressEvent(encodeIngressEvent({ body: { case: "quarantine", value: quarantine } }));
    expect(decoded.kind === "event" && decoded.event.body).toEqual({ case: "quarantine", value: quarantine });
    expect(decodeQuarantineEntry(encodeQuarantineEntry(quarantine))).toEqual({ kind: "quarantine", entry: quarantine });
  });

  it("tells a newer version from undecodable bytes, also inside an event", () => {
    expect(decodeIngressGroup(toBinary(IngressGroupSchema, create(IngressGroupSchema, { version: 2 })))).toEqual({
      kind: "newer_version",
      version: 2,
    });
    expect(decodeIngressEvent(toBinary(IngressEventSchema, create(IngressEventSchema, { version: 7 })))).toEqual({
      kind: "newer_version",
      version: 7,
    });
    const newerInside = create(IngressEventSchema, {
      version: 1,
      body: { case: "quarantine", value: { ...quarantine, version: 2 } },
    });
    expect(decodeIngressEvent(toBinary(IngressEventSchema, newerInside))).toEqual({ kind: "newer_version", version: 2 });
    expect(decodeQuarantineEntry(toBinary(QuarantineEntrySchema, { ...quarantine, version: 2 })).kind).toBe("newer_version");
  });

  it("finds a version that was never written and an event without a body undecodable", () => {
    expect(decodeIngressGroup(new Uint8Array()).kind).toBe("undecodable");
    expect(decodeIngressGroup(toBinary(IngressGroupSchema, create(IngressGroupSchema, { version: -1 }))).kind).toBe(
      "undecodable",
    );
    expect(decodeIngressEvent(toBinary(IngressEventSchema, create(IngressEventSchema, { version: 1 }))).kind).toBe("undecodable");
  });

  it("refuses to send another version or an event without a body", () => {
    expect(() => encodeIngressGroup({ version: 2 })).toThrow(/version/);
    expect(() => encodeIngressGroup(create(IngressGroupSchema))).toThrow(/version/);
    expect(() => encodeQuarantineEntry({ ...quarantine, version: 0 })).toThrow(/version/);
    expect(() => encodeIngressEvent({ messageId: "m" })).toThrow(/no body/);
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const decode of [decodeIngressGroup, decodeIngressEvent, decodeQuarantineEntry])
          expect(decode(bytes).kind).toBeTypeOf("string");
      }),
    );
  });
});
