// What every inbound door owes, whatever its platform: garbage never throws, the same bytes give the same ids, each outcome has
// an answer, and the published signature vectors come out as they should. A channel's test calls `describeInboundDoor`.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conversationIdOf, isUuid, messageIdOf, type SourceMessageId } from "../../ids.ts";
import type { InboundAccount, InboundDoor, InboundOutcome, Normalised, VerificationSecret, WebhookRequest } from "../contract.ts";

/** One entry of channels/vectors/*.json, as far as a verifier needs it. */
export interface SignatureVector {
  id: string;
  scheme: string;
  secret: string;
  method: string;
  url?: string;
  headers: string[][];
  body: string;
  valid: boolean;
  reason?: string;
  /** The verifier's clock in epoch seconds. */
  now?: number;
}

export interface Conformance {
  door: InboundDoor;
  account: InboundAccount;
  /** Requests that the platform could have sent, each understood as messages: their fields are broken one by one. */
  samples: readonly WebhookRequest[];
  /** Headers of an ordinary webhook, under which garbage is sent. */
  contentTypes: readonly string[];
  vectors: readonly SignatureVector[];
}

const outcomes: readonly InboundOutcome[] = ["accepted", "ignored", "malformed", "unavailable"];

export function describeInboundDoor({ door, account, samples, contentTypes, vectors }: Conformance): void {
  describe(`${door.channelType}: what every inbound door owes`, () => {
    it.each(vectors.map((vector) => [vector.id, vector] as const))("G11: signature vector %s", async (_id, vector) => {
      const secrets = [{ scheme: vector.scheme, value: vector.secret }];
      const verified = await door.verify(requestOfVector(vector), secrets, (vector.now ?? 0) * 1_000);
      expect(verified.kind, vector.reason ?? "valid").toBe(vector.valid ? "verified" : "refused");
    });

    it("G11: refuses what no secret, an empty one or one of another scheme should verify", async () => {
      for (const vector of vectors.filter((each) => each.valid)) {
        const request = requestOfVector(vector);
        const nowMs = (vector.now ?? 0) * 1_000;
        const useless: VerificationSecret[][] = [
          [],
          [{ scheme: vector.scheme, value: "" }],
          [{ scheme: "other", value: vector.secret }],
        ];
        for (const secrets of useless) expect((await door.verify(request, secrets, nowMs)).kind).toBe("refused");
      }
    });

    it("verifies with either secret while a rotation overlaps", async () => {
      for (const vector of vectors.filter((each) => each.valid)) {
        const wrong = { scheme: vector.scheme, value: `not ${vector.secret}` };
        const right = { scheme: vector.scheme, value: vector.secret };
        for (const secrets of [
          [wrong, right],
          [right, wrong],
        ]) {
          expect((await door.verify(requestOfVector(vector), secrets, (vector.now ?? 0) * 1_000)).kind).toBe("verified");
        }
      }
    });

    it("has an answer for each outcome: 2xx unless nothing was kept", () => {
      for (const outcome of outcomes) {
        const { status, headers, body } = door.answer(outcome);
        const expected = outcome === "unavailable" ? 503 : 200;
        expect(status, outcome).toBe(expected);
        expect(new Response(body, { status, headers }).status).toBe(expected);
      }
    });

    it("understands its samples, with ids that follow from the account and the event alone", () => {
      for (const sample of samples) {
        const { events } = messagesOf(door.normalise(sample, account));
        expect(events.length).toBeGreaterThan(0);
        for (const { message, eventDay } of events) {
          expect(eventDay).toMatch(/^(\d{4}-\d\d-\d\d)?$/);
          expect(message.id).toBe(messageIdOf(account.accountId, message.sourceMessageId as SourceMessageId));
          expect(message.conversationId).toBe(conversationIdOf(account.accountId, message.conversationExternalId));
          expect(message).toMatchObject({
            schemaVersion: 1,
            tenantId: account.tenantId,
            accountId: account.accountId,
            channelType: door.channelType,
          });
          expect([message.receivedAt, message.edge]).toEqual([undefined, undefined]);
          const targets = [message.threadRootMessageId, message.relation?.targetMessageId ?? ""];
          for (const id of targets) expect(id === "" || isUuid(id)).toBe(true);
        }
      }
    });

    it("G3: gives a repeat the same ids, the same day and the same bytes", () => {
      for (const sample of samples) {
        const [first, second] = [sample, copyOf(sample)].map((each) => messagesOf(door.normalise(each, account)));
        expect(first?.events.map((each) => each.eventDay)).toEqual(second?.events.map((each) => each.eventDay));
        const bytes = [first, second].map((each) => each?.events.map((event) => toBinary(MessageSchema, event.message)));
        expect(bytes[0]).toEqual(bytes[1]);
      }
    });

    it("G3: names two different events differently", () => {
      const names = samples.flatMap((sample) =>
        messagesOf(door.normalise(sample, account)).events.map((each) => each.message.sourceMessageId),
      );
      expect(new Set(names).size).toBe(names.length);
    });

    it("never throws for garbage, whatever it says it is", async () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: "binary", maxLength: 300 }).map(encoded),
        fc.json({ maxDepth: 4 }).map(encoded),
        fc.webQueryParameters().map(encoded),
      );
      await fc.assert(
        fc.asyncProperty(bytes, fc.constantFrom(...contentTypes, "", "text/plain", "*"), async (body, contentType) => {
          await survives(door, account, { ...blank(contentType), body: new Uint8Array(body) });
        }),
        { numRuns: 300 },
      );
    });

    it("never throws when one field of a good webhook is of a wrong type, missing or absurd", async () => {
      for (const sample of samples) {
        for (const body of brokenBodies(sample)) await survives(door, account, { ...sample, body: encoded(body) });
      }
    });

    it("never throws for an empty body, deep nesting, or two megabytes", async () => {
      const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
      const deepObject = `${'{"event":'.repeat(50_000)}1${"}".repeat(50_000)}`;
      const large = JSON.stringify({ text: "x".repeat(2 * 1024 * 1024) });
      for (const contentType of contentTypes) {
        for (const body of ["", " ", "null", "0", '""', "[]", "{}", deep, deepObject, large]) {
          await survives(door, account, { ...blank(contentType), body: encoded(body) });
        }
      }
    });
  });
}

/** Everything that the edge asks a door about a request; what comes out must be publishable. */
async function survives(door: InboundDoor, account: InboundAccount, request: WebhookRequest): Promise<void> {
  const claimed = door.claimedWorkspace(request);
  expect(claimed === undefined || typeof claimed === "string").toBe(true);
  door.unsignedHandshake(request);
  expect((await door.verify(request, [{ scheme: "none", value: "secret" }], 1_700_000_000_000)).kind).toBe("refused");
  door.signedHandshake(request);
  const normalised = door.normalise(request, account);
  if (normalised.kind !== "messages") return expect(normalised.reason).toMatch(/^[a-z0-9_.]{1,120}$/i);
  expect(normalised.events.length).toBeGreaterThan(0);
  for (const { message, eventDay } of normalised.events) {
    expect(eventDay).toMatch(/^(\d{4}-\d\d-\d\d)?$/);
    expect(message.sourceMessageId).not.toBe("");
    expect(message.conversationExternalId).not.toBe("");
    // What cannot be encoded and read back cannot be published.
    expect(fromBinary(MessageSchema, toBinary(MessageSchema, message)).sourceMessageId).toBe(message.sourceMessageId);
  }
}

const absurd: readonly unknown[] = [
  null,
  undefined,
  "",
  0,
  -1,
  1e308,
  true,
  [],
  {},
  [null],
  "a.b c\"d'%20",
  "\ud800",
  "\u0000",
  "9".repeat(400),
  "ü👋",
];

/** The sample's body with each field, at any depth, replaced by each absurd value. JSON, or one JSON inside a form. */
function* brokenBodies(sample: WebhookRequest): Generator<string> {
  const text = new TextDecoder().decode(sample.body);
  const form = text.startsWith("{") ? undefined : new URLSearchParams(text);
  if (!form) return yield* brokenJson(JSON.parse(text));
  for (const [name, value] of form) {
    for (const wrong of ["", "\u0000", "a.b c\"d'%20", "9".repeat(400)]) {
      const changed = new URLSearchParams(form);
      changed.set(name, wrong);
      yield changed.toString();
    }
    const without = new URLSearchParams(form);
    without.delete(name);
    yield without.toString();
    if (value.startsWith("{"))
      for (const json of brokenJson(JSON.parse(value))) yield new URLSearchParams({ [name]: json }).toString();
  }
}

function* brokenJson(value: unknown): Generator<string> {
  for (const path of pathsIn(value)) {
    for (const wrong of absurd) yield JSON.stringify(replaced(value, path, wrong)) ?? "";
  }
}

function pathsIn(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner).map((path) => [key, ...path]))];
}

function replaced(value: unknown, [key, ...rest]: string[], wrong: unknown): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return wrong;
  if (Array.isArray(value)) return value.map((inner, index) => (String(index) === key ? replaced(inner, rest, wrong) : inner));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === key ? replaced(inner, rest, wrong) : inner]),
  );
}

function messagesOf(normalised: Normalised): Extract<Normalised, { kind: "messages" }> {
  if (normalised.kind !== "messages") throw new Error(`not messages but ${normalised.kind}: ${normalised.reason}`);
  return normalised;
}

/** The request of a vector; a header that is repeated there is repeated here. */
export function requestOfVector(vector: SignatureVector): WebhookRequest & { headers: Headers } {
  const headers = new Headers();
  for (const [name = "", value = ""] of vector.headers) headers.append(name, value);
  return { method: vector.method, url: vector.url ?? "https://gateway.example/webhooks", headers, body: encoded(vector.body) };
}

function blank(contentType: string): WebhookRequest {
  const headers = new Headers(contentType === "" ? {} : { "content-type": contentType });
  return { method: "POST", url: "https://gateway.example/webhooks", headers, body: new Uint8Array() };
}

function copyOf(request: WebhookRequest): WebhookRequest {
  return { ...request, body: request.body.slice() };
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
